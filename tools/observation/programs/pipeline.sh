cut -d, -f1 data/people.csv | sort -n > ages.txt
awk '{ n += $1 } END { print n }' ages.txt > sum.txt

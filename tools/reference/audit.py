# SPDX-License-Identifier: Apache-2.0
"""docs/reference/audit.md: the rules of the audit."""

from __future__ import annotations

from lineage.services.read.audit.rules import RULES
from tools.reference.markdown import HEAD, table

_ABOUT = """\
# Rules of the audit

`lineage audit` asks each rule of every thing of its kind. What becomes of that is one of four: it *passes*, it *fails*, it *cannot be told* from what is
recorded, or the rule *does not apply*. The score of a rule is the share that passes of those that pass or fail; where there are none there is no
score, which is neither 0 nor 100. The score together is counted over all rules in the same way. [The auditor's page](../how-to/auditor.md#5-what-is-missing)
shows it.
"""


def page() -> str:
    """The text of the page."""
    rows = [(f"`{r.code}`", r.kind, r.severity, r.asks, r.hint) for r in RULES]
    return (
        f"{HEAD}\n{_ABOUT}\n{table(('rule', 'of', 'severity', 'asks', 'how it is mended'), rows)}"
    )

"""What a check has found: the JSON contract ``tunelint/findings@1`` as objects."""

from __future__ import annotations

import dataclasses
import html
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

if TYPE_CHECKING:
    import pandas

#: Rows of the table that a notebook shows.
_ROWS = 50


@dataclasses.dataclass(frozen=True)
class Finding:
    """One finding. Lines and columns count from 1, columns in characters; byte offsets count from 0."""

    code: str
    name: str
    severity: str
    effect: str
    evidence: str
    message: str
    help: Optional[str]
    url: str
    path: str
    line: Optional[int]
    column: Optional[int]
    end_column: Optional[int]
    byte_in_line: Optional[int]
    file_offset: Optional[int]
    pointer: Optional[str]
    line_hash: Optional[str]
    provider_message: Optional[str]
    #: Edits that would mend it, where there are any.
    fix: Any = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """Reads one finding; keys that later versions add are passed over."""
        known: Dict[str, Any] = {field.name: value.get(field.name) for field in dataclasses.fields(cls)}
        return cls(**known)

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.path or None, self.line, self.column) if part is not None)
        where = f"{where}: " if where else ""
        return f"{where}{self.severity}[{self.code}] {self.message}"


class Findings(List[Finding]):
    """The findings in the order of the lines."""

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame with one row a finding; needs pandas."""
        import pandas

        columns = [field.name for field in dataclasses.fields(Finding)]
        frame = pandas.DataFrame([dataclasses.asdict(finding) for finding in self], columns=columns)
        # Findings on a whole file have no line: without this their absence would make floats of all the others.
        numbers = ["line", "column", "end_column", "byte_in_line", "file_offset"]
        typed: pandas.DataFrame = frame.astype({name: "Int64" for name in numbers})
        return typed


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """What a check came to."""

    #: Whether nothing at or above ``fail_on`` was found.
    ok: bool
    #: What was found, in the order of the lines.
    findings: Findings
    #: The sums: ``verdict``, ``files``, ``rules``, ``epochs``, ``cost_usd``, as in the JSON output.
    summary: Dict[str, Any]
    #: Where the dataset is bound for.
    target: str
    #: The model that is priced.
    model: Optional[str]

    @classmethod
    def from_json(cls, value: Mapping[str, Any], ok: bool) -> Report:
        """Reads what ``tunelint check --output-format json`` prints."""
        findings = Findings(Finding.from_json(finding) for finding in value["findings"])
        return cls(ok, findings, value["summary"], value["target"], value["model"])

    @property
    def verdict(self) -> str:
        """``ready``, ``warnings``, ``data-loss`` or ``rejected``."""
        return str(self.summary["verdict"])

    def __repr__(self) -> str:
        return f"<tunelint {self._headline()}>"

    def __str__(self) -> str:
        return "\n".join([*map(str, self.findings), self._headline()])

    def _headline(self) -> str:
        examples = sum(int(file["examples"]) for file in self.summary["files"])
        parts = [
            _count(number, noun)
            for severity, noun in (("error", "error"), ("warning", "warning"), ("info", "note"))
            if (number := sum(finding.severity == severity for finding in self.findings))
        ]
        if self.summary.get("baselined"):
            parts.append(f"{_count(self.summary['baselined'], 'finding')} in the baseline")
        cost = self.summary.get("cost_usd")
        price = "" if cost is None else f", about ${cost:,.2f} to train"
        found = ", ".join(parts) or "no findings"
        return f"{self.verdict} for {self.target}: {found} in {_count(examples, 'example')}{price}"

    def _repr_html_(self) -> str:
        """A compact table for notebooks. All text from the data is escaped; colours fit dark and light."""
        rows = [_row(finding) for finding in self.findings[:_ROWS]]
        more = len(self.findings) - _ROWS
        if more > 0:
            rows.append(f'<tr><td colspan="4" style="{_CELL};opacity:.7">{more:,} more in <code>.findings</code></td></tr>')
        table = ""
        if rows:
            head = "".join(f'<th style="{_CELL}">{title}</th>' for title in ("where", "level", "rule", "finding"))
            table = f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        return f"<div><p><strong>{html.escape(self._headline())}</strong></p>{table}</div>"


# The colour of the text stays the notebook's; what is added is half transparent, and shows on dark and light alike.
_CELL = "text-align:left;vertical-align:top;padding:2px 8px;border-bottom:1px solid rgba(128,128,128,.35)"
_MARK = {"error": "rgba(220,50,47,.25)", "warning": "rgba(203,145,0,.25)", "info": "rgba(38,139,210,.25)"}


def _row(finding: Finding) -> str:
    where = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
    title = "" if not finding.pointer else f' title="{html.escape(finding.pointer)}"'
    mark = f"background:{_MARK.get(finding.severity, 'none')};padding:0 4px;border-radius:3px"
    # Only an address of the web becomes a link.
    rule = html.escape(f"{finding.code} {finding.name}")
    if finding.url.startswith("https://"):
        rule = f'<a href="{html.escape(finding.url)}" target="_blank" rel="noopener">{rule}</a>'
    advice = "" if finding.help is None else f'<br><span style="opacity:.7">{html.escape(finding.help)}</span>'
    cells = [
        f"<span{title}>{html.escape(where)}</span>",
        f'<span style="{mark}">{html.escape(finding.severity)}</span>',
        rule,
        f"{html.escape(finding.message)}{advice}",
    ]
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"

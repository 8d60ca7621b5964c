package report

import (
	"io"

	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// Formats of other documents than a report.
const (
	// FormatSQL is a plan as a script for psql.
	FormatSQL Format = "sql"
	// FormatPrometheus is Prometheus' text format, for onward preflight.
	FormatPrometheus Format = "prometheus"
)

// writeDocument prints a document as JSON, or else for people.
func writeDocument[T any](w io.Writer, f Format, document T, o Options, write func(io.Writer, T, Options) error) error {
	if f == FormatJSON {
		return machine.WriteJSON(w, document)
	}
	return write(w, document, o)
}

// WritePlan prints a plan: for people, as JSON, as one script for psql, or as a comment on a pull request.
func WritePlan(w io.Writer, f Format, p *onward.Plan, o Options) error {
	switch f {
	case FormatSQL:
		return machine.WritePlanSQL(w, p)
	case FormatMarkdown:
		return markdown.WritePlan(w, p)
	}
	return writeDocument(w, f, p, o, terminal.WritePlan)
}

// DeployFormats returns the formats that [WriteDeploys] knows.
func DeployFormats() []Format { return []Format{FormatTerminal, FormatJSON, FormatMarkdown} }

// WriteDeploys prints an order of deploys.
func WriteDeploys(w io.Writer, f Format, d *onward.DeployOrder, o Options) error {
	if f == FormatMarkdown {
		return markdown.WriteDeploys(w, d)
	}
	return writeDocument(w, f, d, o, terminal.WriteDeploys)
}

// PreflightFormats returns the formats for a preflight.
func PreflightFormats() []Format {
	return []Format{FormatTerminal, FormatJSON, FormatMarkdown, FormatGitHub, FormatPrometheus}
}

// WritePreflight prints whether a database is ready for a migration.
func WritePreflight(w io.Writer, f Format, r *onward.Preflight, o Options) error {
	switch f {
	case FormatMarkdown:
		return markdown.WritePreflight(w, r)
	case FormatGitHub:
		return machine.WritePreflightCommands(w, r)
	case FormatPrometheus:
		return machine.WritePreflightMetrics(w, r)
	}
	return writeDocument(w, f, r, o, terminal.WritePreflight)
}

// AppliedFormats returns the formats for the state of plans on a database.
func AppliedFormats() []Format { return []Format{FormatTerminal, FormatJSON} }

// WritePlanStatus prints how far plans are on a database.
func WritePlanStatus(w io.Writer, f Format, all []*onward.Applied, o Options) error {
	return writeDocument(w, f, machine.NonNilList(all), o, terminal.WritePlanStatus)
}

// WriteApply prints the result of a run of apply.
func WriteApply(w io.Writer, f Format, a *onward.Applied, o Options) error {
	return writeDocument(w, f, a, o, terminal.WriteApply)
}

// WriteLog prints the audit trail of a database.
func WriteLog(w io.Writer, f Format, all []onward.LogEntry, o Options) error {
	return writeDocument(w, f, machine.NonNilList(all), o, terminal.WriteLog)
}

// WriteGuarded prints the result of a guarded command. The command's own output precedes it.
func WriteGuarded(w io.Writer, f Format, g *onward.Guarded, o Options) error {
	return writeDocument(w, f, g, o, terminal.WriteGuarded)
}

// WriteRollout prints how far a release is on its targets.
func WriteRollout(w io.Writer, f Format, r *onward.Rollout, o Options) error {
	return writeDocument(w, f, r, o, terminal.WriteRollout)
}

// WriteLocks prints what statements do.
func WriteLocks(w io.Writer, f Format, list []onward.Locks, o Options) error {
	if f == FormatJSON {
		return machine.WriteLocks(w, list)
	}
	return terminal.WriteLocks(w, list, o)
}

// WriteWorkload prints a recording: its queries, the most frequent ones first, or the stored form.
func WriteWorkload(w io.Writer, f Format, load *workload.Workload, o Options) error {
	if f == FormatJSON {
		return workload.Write(w, load, false)
	}
	return terminal.WriteWorkload(w, load, o)
}

// WriteQueryFindings prints the findings about the queries of a recording. As JSON, it is {"findings": [...]}, of
// [onward.QueryFinding].
func WriteQueryFindings(w io.Writer, list []onward.QueryFinding, f Format, o Options) error {
	if f == FormatJSON {
		return machine.WriteJSON(w, struct {
			Findings []onward.QueryFinding `json:"findings"`
		}{list})
	}
	return terminal.WriteQueryFindings(w, list, o)
}

// WriteDeprecations prints deprecated columns, and by program who still uses them. As JSON, it is {"deprecated": [...]}, of
// [onward.DeprecatedColumn].
func WriteDeprecations(w io.Writer, list []onward.DeprecatedColumn, f Format, o Options) error {
	if f == FormatJSON {
		return machine.WriteJSON(w, struct {
			Deprecated []onward.DeprecatedColumn `json:"deprecated"`
		}{machine.NonNilList(list)})
	}
	return terminal.WriteDeprecations(w, list, o)
}

// WriteStats prints sizes as JSON.
func WriteStats(w io.Writer, s *onward.Stats) error { return machine.WriteJSON(w, s) }

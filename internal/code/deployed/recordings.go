package deployed

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// Recording has the observed queries of the deployed code.
type Recording struct {
	Path    string
	Queries *workload.Workload
}

// recordedFiles returns the recordings as files of code.
func (u *Code) recordedFiles() []index.File {
	var out []index.File
	for _, r := range u.Recordings {
		out = append(out, index.Recorded(r.Path, r.Queries))
	}
	return out
}

// findRecording returns the recording with a path; nil for a file of the code.
func (u *Code) findRecording(path string) *Recording {
	for _, r := range u.Recordings {
		if r.Path == path {
			return r
		}
	}
	return nil
}

// shortCommit returns the recorded commit, shortened as git does.
func (r *Recording) shortCommit() string {
	const short = 12
	return r.Queries.Revision[:min(len(r.Queries.Revision), short)]
}

// queryLines returns the queries of a recording, on the lines that the facts use.
func (r *Recording) queryLines() []string {
	out := make([]string, index.RecordedLine-1, len(r.Queries.Queries)+index.RecordedLine)
	for i := range r.Queries.Queries {
		q := &r.Queries.Queries[i]
		senders := workload.DescribeSenders(q.Senders)
		if senders != "" {
			senders = ", by " + senders
		}
		out = append(out, fmt.Sprintf("recorded %s%s: %s", formatTimes(q.Calls), senders, strings.Join(strings.Fields(q.SQL), " ")))
	}
	return out
}

func formatTimes(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// addRecordings adds the recorded queries to an answer about a table or column. If parsed code uses it, the programs that sent such queries are shown
// first, and one place of the code stays visible. If no code uses a column, Recorded and Calls say how many recorded queries on its table
// do not either. Uncovered is set if no recorded query is on the table at all.
func (u *Code) addRecordings(q question, out *analysis.Usage) {
	if len(u.Recordings) == 0 || q.Kind != analysis.AskColumn && q.Kind != analysis.AskTable {
		return
	}
	b := u.indexFor(q)
	uses := b.Relation(q.Name)
	seen := filterObserved(uses)
	if q.Kind == analysis.AskColumn {
		tableUses := seen
		seen = filterObserved(b.Column(q.Name, q.Column))
		if !out.Used && len(seen) == 0 && out.Known {
			out.Recorded, out.Calls = len(tableUses), u.countCalls(tableUses)
		}
		out.Uncovered = len(tableUses) == 0
	}
	if out.Used && len(seen) > 0 {
		var rest []onward.Evidence
		for _, e := range out.Evidence {
			if e.Kind != "query" { // those are the recorded queries, which are added anew with their counts
				rest = append(rest, e)
			}
		}
		shown := append(u.makeEvidence(seen, maxEvidence-min(len(rest), 1)), rest...)
		out.Evidence = shown[:min(len(shown), maxEvidence)]
	}
}

// countCalls returns how often the recorded queries of some uses were sent.
func (u *Code) countCalls(uses []index.Use) (n int64) {
	seen := map[[2]any]bool{}
	for _, e := range uses {
		i := e.Line - index.RecordedLine
		if r := u.findRecording(e.Path); r != nil && i >= 0 && i < len(r.Queries.Queries) && !seen[[2]any{e.Path, i}] {
			seen[[2]any{e.Path, i}] = true
			n += r.Queries.Queries[i].Calls
		}
	}
	return n
}

func filterObserved(uses []index.Use) (out []index.Use) {
	for _, e := range uses {
		if e.Grade == facts.Observed {
			out = append(out, e)
		}
	}
	return out
}

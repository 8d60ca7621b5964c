package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// recording has the observed queries of the deployed code.
type recording struct {
	path string
	load *workload.Workload
}

// Recordings returns the files of recorded queries that the caller names, or else those in
// the settings.
func (c *Config) Recordings() []string {
	paths := c.Workload
	if len(paths) == 0 && c.Settings != nil {
		for _, p := range c.Settings.Workload {
			paths = append(paths, c.Settings.Resolve(p))
		}
	}
	return paths
}

// readRecordings reads them.
func (a *changelog) readRecordings() ([]*recording, error) {
	var out []*recording
	for _, p := range a.Recordings() {
		load, err := ReadWorkload(p)
		if err != nil {
			return nil, err
		}
		out = append(out, &recording{path: shownPath(p), load: load})
	}
	return out, nil
}

// Workload is a recording of a code's queries.
type Workload = workload.Workload

// ReadWorkload reads a recording, packed or not, that onward record wrote. Of a directory, it reads all recordings and
// merges them: each is of one consumer of the database, and its file is named after it.
func ReadWorkload(path string) (*Workload, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return readConsumers(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("read the recording: %w", err)}
	}
	defer f.Close()
	load, err := workload.Read(f)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("%s: %w", path, err)}
	}
	return load, nil
}

// shownPath returns a file's name for reports: without the directories of this machine.
func shownPath(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Base(path)
	}
	return filepath.ToSlash(filepath.Clean(path))
}

// recordedFiles returns the recordings as files of code.
func (u *deployedCode) recordedFiles() []usage.File {
	var out []usage.File
	for _, r := range u.recordings {
		out = append(out, usage.Recorded(r.path, r.load))
	}
	return out
}

// findRecording returns the recording with a path; nil for a file of the code.
func (u *deployedCode) findRecording(path string) *recording {
	for _, r := range u.recordings {
		if r.path == path {
			return r
		}
	}
	return nil
}

// shortCommit returns the recorded commit, shortened as git does.
func (r *recording) shortCommit() string {
	const short = 12
	return r.load.Revision[:min(len(r.load.Revision), short)]
}

// queryLines returns the queries of a recording, on the lines that the facts use.
func (r *recording) queryLines() []string {
	out := make([]string, usage.RecordedLine-1, len(r.load.Queries)+usage.RecordedLine)
	for i := range r.load.Queries {
		q := &r.load.Queries[i]
		who := workload.DescribeSenders(q.Senders)
		if who != "" {
			who = ", by " + who
		}
		out = append(out, fmt.Sprintf("recorded %s%s: %s", formatTimes(q.Calls), who, strings.Join(strings.Fields(q.SQL), " ")))
	}
	return out
}

func formatTimes(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// addRecordings adds the recordings to an answer. Observed senders are shown first. If no parsed
// code uses a column, it adds that no recorded query on the table does either.
func (u *deployedCode) addRecordings(q question, out *analysis.Usage) {
	if len(u.recordings) == 0 || q.Kind != analysis.AskColumn && q.Kind != analysis.AskTable {
		return
	}
	b := u.indexFor(q)
	uses := b.Relation(q.Name)
	seen := onlyObserved(uses)
	if q.Kind == analysis.AskColumn {
		covered := seen
		seen = onlyObserved(b.Column(q.Name, q.Column))
		if !out.Used && len(seen) == 0 && out.Known {
			out.Recorded, out.Calls = len(covered), u.countCalls(covered)
		}
		out.Uncovered = len(covered) == 0
	}
	if out.Used && len(seen) > 0 {
		var rest []onward.Evidence
		for _, e := range out.Evidence {
			if e.Kind != "query" {
				rest = append(rest, e)
			}
		}
		shown := append(u.makeEvidence(seen, maxEvidence-min(len(rest), 1)), rest...)
		out.Evidence = shown[:min(len(shown), maxEvidence)]
	}
}

// countCalls returns how often the recorded queries of some uses were sent.
func (u *deployedCode) countCalls(uses []usage.Use) (n int64) {
	seen := map[[2]any]bool{}
	for _, e := range uses {
		at := e.Line - usage.RecordedLine
		if r := u.findRecording(e.Path); r != nil && at >= 0 && at < len(r.load.Queries) && !seen[[2]any{e.Path, at}] {
			seen[[2]any{e.Path, at}] = true
			n += r.load.Queries[at].Calls
		}
	}
	return n
}

func onlyObserved(uses []usage.Use) (out []usage.Use) {
	for _, e := range uses {
		if e.Grade == usage.Observed {
			out = append(out, e)
		}
	}
	return out
}

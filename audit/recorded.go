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

// recording is what the deployed code was seen to send.
type recording struct {
	path string
	load *workload.Workload
}

// Recordings are the files of recorded queries that the caller names, or else the settings.
func (c *Config) Recordings() []string {
	paths := c.Workload
	if len(paths) == 0 && c.Settings != nil {
		for _, p := range c.Settings.Workload {
			paths = append(paths, c.Settings.Resolve(p))
		}
	}
	return paths
}

// recordings reads them.
func (a *changelog) recordings() ([]*recording, error) {
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

// Workload is a recording of what code sends.
type Workload = workload.Workload

// ReadWorkload reads a recording, packed or not, that onward record wrote.
func ReadWorkload(path string) (*Workload, error) {
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

// shownPath is a file as reports name it: without the directories of this machine.
func shownPath(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Base(path)
	}
	return filepath.ToSlash(filepath.Clean(path))
}

// recordedFiles are the recordings as files of code.
func (u *deployedCode) recordedFiles() []usage.File {
	var out []usage.File
	for _, r := range u.recordings {
		out = append(out, usage.Recorded(r.path, r.load))
	}
	return out
}

// recording is the one of a path; nil for a file of the code.
func (u *deployedCode) recording(path string) *recording {
	for _, r := range u.recordings {
		if r.path == path {
			return r
		}
	}
	return nil
}

// revision is the commit that was recorded, as git shortens it.
func (r *recording) revision() string {
	const short = 12
	return r.load.Revision[:min(len(r.load.Revision), short)]
}

// lines are the queries of a recording as evidence shows them, where the facts have them.
func (r *recording) lines() []string {
	out := make([]string, usage.RecordedLine-1, len(r.load.Queries)+usage.RecordedLine)
	for i := range r.load.Queries {
		q := &r.load.Queries[i]
		who := workload.Who(q.Senders)
		if who != "" {
			who = ", by " + who
		}
		out = append(out, fmt.Sprintf("recorded %s%s: %s", times(q.Calls), who, strings.Join(strings.Fields(q.SQL), " ")))
	}
	return out
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// observe puts what was recorded into an answer: who was seen to use a thing is shown
// first; and where nothing that was parsed uses a column, that no recorded query on its
// table does either.
func (u *deployedCode) observe(q question, out *analysis.Usage) {
	if len(u.recordings) == 0 || q.Kind != analysis.AskColumn && q.Kind != analysis.AskTable {
		return
	}
	b := u.bound(q)
	uses := b.Relation(q.Name)
	seen := observed(uses)
	if q.Kind == analysis.AskColumn {
		covered := seen
		seen = observed(b.Column(q.Name, q.Column))
		if !out.Used && len(seen) == 0 && out.Known {
			out.Recorded, out.Calls = len(covered), u.calls(covered)
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
		shown := append(u.evidence(seen, maxEvidence-min(len(rest), 1)), rest...)
		out.Evidence = shown[:min(len(shown), maxEvidence)]
	}
}

// calls is how often the recorded queries were sent that uses are of.
func (u *deployedCode) calls(uses []usage.Use) (n int64) {
	seen := map[[2]any]bool{}
	for _, e := range uses {
		at := e.Line - usage.RecordedLine
		if r := u.recording(e.Path); r != nil && at >= 0 && at < len(r.load.Queries) && !seen[[2]any{e.Path, at}] {
			seen[[2]any{e.Path, at}] = true
			n += r.load.Queries[at].Calls
		}
	}
	return n
}

func observed(uses []usage.Use) (out []usage.Use) {
	for _, e := range uses {
		if e.Grade == usage.Observed {
			out = append(out, e)
		}
	}
	return out
}

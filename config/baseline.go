package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/onward-sql/onward/internal/scratch"
	"github.com/onward-sql/onward/onward"
)

// BaselineSchema identifies a baseline file.
const BaselineSchema = "onward.baseline/1"

// Baseline is the list of findings that an old code base starts with. Each is
// identified by its content ([onward.Finding.Fingerprint]), so that the list
// stays valid when files and lines move. A statement that changes is judged
// again.
type Baseline struct {
	Schema string `json:"schema"`
	// Findings is keyed by fingerprint.
	Findings map[string]BaselineFinding `json:"findings"`
}

// BaselineFinding describes the finding of a fingerprint, for readers of the
// file; only the fingerprint counts.
type BaselineFinding struct {
	Rule string `json:"rule"`
	Path string `json:"path"`
	Fact string `json:"fact"`
}

// NewBaseline lists the findings of a report.
func NewBaseline(findings []onward.Finding) *Baseline {
	b := &Baseline{Schema: BaselineSchema, Findings: make(map[string]BaselineFinding, len(findings))}
	for _, f := range findings {
		if f.Category == onward.Suppression {
			continue // nothing can suppress these
		}
		b.Findings[f.Fingerprint] = BaselineFinding{Rule: f.Rule, Path: f.Path, Fact: f.Fact}
		for _, place := range f.Also {
			b.Findings[place.Fingerprint] = BaselineFinding{Rule: f.Rule, Path: place.Path, Fact: f.Fact}
		}
	}
	return b
}

// Write prints the baseline, sorted, so that its diffs are readable.
func (b *Baseline) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(b)
}

// Replaceable reports whether a baseline may be written to a path: there is no
// file yet, or it is a baseline. Any other file is a mistake, such as a
// migration that was named after --write-baseline.
func Replaceable(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return true // writing reports the problem
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return true
	}
	head, _ := io.ReadAll(io.LimitReader(file, 1<<10))
	return bytes.Contains(head, []byte("onward.baseline/"))
}

// Fingerprints returns the set of findings to leave out.
func (b *Baseline) Fingerprints() map[string]bool {
	out := make(map[string]bool, len(b.Findings))
	for f := range b.Findings {
		out[f] = true
	}
	return out
}

// maxBaseline bounds a baseline: 64 MB hold 300,000 findings.
const maxBaseline = 64 << 20

// ReadBaseline reads a baseline file. An error is an [Error].
func ReadBaseline(path string) (*Baseline, error) {
	data, err := scratch.ReadBounded(path, maxBaseline)
	if err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("the baseline cannot be read: %v; onward changelog --write-baseline writes one", trimErrorPath(err))}
	}
	b := &Baseline{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, &Error{Path: path, Message: fmt.Sprintf("is no baseline (%v); onward changelog --write-baseline writes one", err)}
	}
	if b.Schema != BaselineSchema {
		return nil, &Error{Path: path, Message: fmt.Sprintf("the schema is %q; this version reads %s", b.Schema, BaselineSchema)}
	}
	return b, nil
}

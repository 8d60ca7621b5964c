package audit

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

func repository(t *testing.T, archives ...string) string {
	return gittest.CommitArchives(t, archives...)
}

func changelog0(t *testing.T, c Config) *onward.Report {
	t.Helper()
	r, err := Changelog(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found lists the findings as "severity rule file:line".
func found(r *onward.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %s:%d", f.Severity, f.Rule, filepath.Base(f.Path), f.Line))
	}
	return out
}

// severityOf returns the severity of a rule's last finding; "" for none.
func severityOf(r *onward.Report, id string) string {
	got := ""
	for _, f := range r.Findings {
		if f.Rule == id {
			got = f.Severity.String()
		}
	}
	return got
}

package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// flown is a preflight whose names come from whoever made the objects.
func flown() *onward.Preflight {
	return &onward.Preflight{
		Schema: onward.PreflightSchema, Taken: "2026-11-23T07:00:00Z", Postgres: "17.5", Database: "shop", Role: "deploy", Release: "main...age", Touched: []string{"public.users"},
		Findings: []onward.PreflightFinding{
			{
				Rule:     "slot-inactive",
				Severity: onward.Error,
				Scope:    onward.ScopeServer,
				Object:   "a\"b\\\x1b[31m",
				Fact:     "nobody reads slot\n::error::a\"b",
				Harm:     "the disk fills",
				Instead:  "drop it:\nSELECT pg_drop_replication_slot('x');",
			},
			{
				Rule:     "slot-inactive",
				Severity: onward.Error,
				Scope:    onward.ScopeServer,
				Object:   "a\"b\\\x1b[31m",
				Fact:     "nobody reads it",
				Harm:     "the disk fills",
				Instead:  "drop it",
			},
		},
		Opaque: []onward.PreflightOpaque{{Rule: "disk-short", What: "how much disk is free", Why: "##[error]nobody tells"}},
		Checks: []onward.PreflightCheck{
			{
				Rule:     "slot-inactive",
				Scope:    onward.ScopeServer,
				State:    onward.StateError,
				Metric:   "slots",
				Help:     "Slots.",
				Measured: []onward.PreflightMeasure{{Object: "a", Value: 1.5}},
			},
			{Rule: "disk-short", Scope: onward.ScopeServer, State: onward.StateOpaque},
		},
		Summary: onward.PreflightSummary{Checks: 2, Errors: 2, Opaque: 1, Verdict: "Not fit to be migrated now: nobody reads slot."},
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	print := func(f report.Format) string {
		t.Helper()
		var b bytes.Buffer
		if err := report.WritePreflight(&b, f, flown(), report.Options{Verbose: true}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, "\x1b") || strings.Contains(line, "##[") || f != report.FormatGitHub && strings.HasPrefix(strings.TrimSpace(line), "::error::") {
				t.Errorf("%s lets a stranger's text act: %q", f, line)
			}
		}
		return b.String()
	}
	want := `# HELP onward_preflight_up Whether the database could be asked: 1, or 0.
# TYPE onward_preflight_up gauge
onward_preflight_up 1
# HELP onward_preflight_taken_seconds When the server was asked, in seconds since 1970.
# TYPE onward_preflight_taken_seconds gauge
onward_preflight_taken_seconds 1795417200
# HELP onward_preflight_check The outcome of each check: 0 nothing, 1 a note, 2 a warning, 3 an error, -1 not all was seen.
# TYPE onward_preflight_check gauge
onward_preflight_check{check="slot-inactive",scope="server"} 3
onward_preflight_check{check="disk-short",scope="server"} -1
# HELP onward_preflight_finding Each finding, by its object: 1.
# TYPE onward_preflight_finding gauge
onward_preflight_finding{check="slot-inactive",severity="error",object="a\"b\\\\x1b[31m"} 1
# HELP onward_preflight_slots Slots.
# TYPE onward_preflight_slots gauge
onward_preflight_slots{object="a"} 1.5
`
	if diff := cmp.Diff(want, print(report.FormatPrometheus)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	terminal := print(report.FormatTerminal)
	for _, words := range []string{
		"database shop", "main...age · Postgres 17.5 · role deploy", "the release touches users",
		"error    slot-inactive", "             SELECT pg_drop_replication_slot('x');",
		"disk-short: how much disk is free", "2 checks: 2 errors, 1 not seen", "Not fit to be migrated now",
	} {
		if !strings.Contains(terminal, words) {
			t.Errorf("the terminal lacks %q:\n%s", words, terminal)
		}
	}
	for f, words := range map[report.Format]string{
		report.FormatGitHub: "::error title=slot-inactive::nobody reads slot", report.FormatMarkdown: "<summary>error: nobody reads slot", report.FormatJSON: `"severity": "error"`,
	} {
		if text := print(f); !strings.Contains(text, words) {
			t.Errorf("%s lacks %q:\n%s", f, words, text)
		}
	}
}

package report_test

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/onward"
)

// fillTexts sets every text of a document, one element in each list, and what each pointer points to.
func fillTexts(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() { // others have a few values of onward's own
			v.SetString(text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fillTexts(v.Field(i), text)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillTexts(v.Index(0), text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillTexts(v.Elem(), text)
	}
}

func filled[T any](text string) *T {
	out := new(T)
	fillTexts(reflect.ValueOf(out).Elem(), text)
	return out
}

// A name in a migration comes from a stranger: no document prints it so that it controls the terminal.
func TestDocumentsHideNothing(t *testing.T) {
	t.Parallel()
	const text = "a\x1b[2Jx\u202ey\x85"
	plan, applied := filled[onward.Plan](text), filled[onward.Applied](text)
	step := plan.Steps[0]
	plan.Steps = nil
	for _, phase := range []onward.PlanPhase{onward.Expand, onward.Backfill, onward.Contract} {
		step.Phase = phase
		for _, repeated := range []bool{false, true} {
			for _, changed := range [][]string{nil, {text}} {
				s := step
				s.Repeat, s.StayChanged, s.Bookkeeping = repeated, changed, false
				plan.Steps = append(plan.Steps, s)
				applied.Steps = append(applied.Steps, onward.AppliedStep{ID: text, Phase: phase, Why: text, Note: text, Find: text, Quarantined: 1, State: onward.ApplyFailed})
			}
		}
	}
	documents := map[string]func(io.Writer, report.Format, report.Options) error{
		"plan": func(w io.Writer, f report.Format, o report.Options) error { return report.WritePlan(w, f, plan, o) },
		"page of a plan": func(w io.Writer, _ report.Format, _ report.Options) error {
			return html.WritePlan(w, plan, filled[onward.Report](text))
		},
		"status": func(w io.Writer, _ report.Format, _ report.Options) error {
			return html.WriteStatus(w, &html.StatusPage{Plans: []html.StatusPlan{{Plan: plan, Applied: applied}}, Problem: text})
		},
		"apply": func(w io.Writer, f report.Format, o report.Options) error { return report.WriteApply(w, f, applied, o) },
		"log": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WriteLog(w, f, []onward.LogEntry{*filled[onward.LogEntry](text)}, o)
		},
		"deploys": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WriteDeploys(w, f, filled[onward.DeployOrder](text), o)
		},
		"preflight": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WritePreflight(w, f, filled[onward.Preflight](text), o)
		},
		"guarded": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WriteGuarded(w, f, filled[onward.Guarded](text), o)
		},
		"rollout": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WriteRollout(w, f, filled[onward.Rollout](text), o)
		},
		"page of a rollout": func(w io.Writer, _ report.Format, _ report.Options) error {
			return html.WriteRollout(w, &html.RolloutPage{Rollout: filled[onward.Rollout](text), Problem: text})
		},
		"locks": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WriteLocks(w, f, []onward.Locks{*filled[onward.Locks](text)}, o)
		},
		"query findings": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WriteQueryFindings(w, []onward.QueryFinding{*filled[onward.QueryFinding](text)}, f, o)
		},
		"deprecations": func(w io.Writer, f report.Format, o report.Options) error {
			return report.WriteDeprecations(w, []onward.DeprecatedColumn{*filled[onward.DeprecatedColumn](text)}, f, o)
		},
	}
	for name, write := range documents {
		for _, f := range []report.Format{report.FormatTerminal, report.FormatMarkdown, report.FormatJSON} {
			for _, o := range []report.Options{{}, {Verbose: true}} {
				var b bytes.Buffer
				if err := write(&b, f, o); err != nil {
					t.Fatal(err)
				}
				found := map[rune]bool{}
				for _, c := range b.String() {
					if c != '\n' && c != '\u200b' && !unicode.IsPrint(c) && !found[c] {
						found[c] = true
						line := b.String()[:strings.IndexRune(b.String(), c)]
						t.Errorf("%s as %s, verbose %t: %q is printed raw after %q", name, f, o.Verbose, c, line[max(0, len(line)-60):])
					}
				}
				if b.Len() < 20 {
					t.Errorf("%s as %s is empty", name, f)
				}
			}
		}
	}
}

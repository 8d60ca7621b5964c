package verify_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// suite is the test suite of an example.
type suite struct {
	repository string
	// tools links what the suite needs into the repository.
	tools   func(t *testing.T, dir string)
	command func(t *testing.T) []string
	// migrates: it makes the schema itself, in a database of its own.
	migrates bool
	// breaks is what the unsafe branch does to the deployed code's queries, by kind.
	breaks map[onward.VerdictKind]int
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}

var suites = []suite{{
	repository: "shop",
	tools:      func(*testing.T, string) {},
	command: func(t *testing.T) []string {
		return []string{"go", "test", "-count=1", "./..."}
	},
	breaks: map[onward.VerdictKind]int{onward.VerdictFails: 4, onward.VerdictRequired: 1, onward.VerdictRejected: 1},
}, {
	repository: "django-shop",
	tools: func(t *testing.T, dir string) {
		link(t, pgservertest.VenvPath(t, "django-5.2-psycopg"), filepath.Join(dir, ".venv"))
	},
	command:  func(*testing.T) []string { return []string{".venv/bin/python", "manage.py", "test"} },
	migrates: true,
	// Django writes NULL into the text: it is refused for sure.
	breaks: map[onward.VerdictKind]int{onward.VerdictFails: 4, onward.VerdictRequired: 2},
}, {
	repository: "node-rooms",
	tools: func(t *testing.T, dir string) {
		link(t, filepath.Join(pgservertest.RunnerPath(t, "node"), "node_modules"), filepath.Join(dir, "node_modules"))
	},
	command: func(t *testing.T) []string {
		return []string{component.NeedProgram(t, component.Node, "node"), "--test", "test/"}
	},
	breaks: map[onward.VerdictKind]int{onward.VerdictFails: 2, onward.VerdictResultShape: 1, onward.VerdictRejected: 1},
}}

// The examples' own suites, each with another driver, are recorded as they are, and say
// of the two branches what is true: the safe one breaks nothing, and the unsafe one each query
// that it breaks.
func TestSuites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "../scripts/demo.sh", "--make", dir).CombinedOutput(); err != nil {
		t.Fatalf("demo.sh: %v\n%s", err, out)
	}
	for _, s := range rotation.Pick(t, len(suites), suites) {
		t.Run(s.repository, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(dir, s.repository)
			s.tools(t, dir)
			old := s.record(t, dir, "main")
			for _, branch := range []string{"safe", "unsafe"} {
				fresh := s.record(t, dir, branch)
				settings := config.Default()
				if s.migrates {
					settings.Migrations = []config.Migrations{{Framework: "django", Python: filepath.Join(dir, ".venv")}}
				}
				c := verify.Config{
					Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: branch, Settings: settings}, Majors: []int{17}},
					Old:    []*verify.Workload{old.Workload}, New: []*verify.Workload{fresh.Workload},
				}
				r, err := verify.Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				s.checkReplay(t, c, old, fresh, branch, r)
				v, broken := r.Verification, map[onward.VerdictKind]int{}
				for _, d := range r.Verdicts {
					if d.Code == onward.OldCode {
						broken[d.Kind]++
					}
				}
				if v.Old.Unfit+v.New.Unfit > 0 || v.Points[len(v.Points)-1].New.Errors > 0 {
					t.Errorf("%s: the code does not fit its own schema: %q", branch, v.Notes)
				}
				switch branch {
				case "safe":
					if len(broken) > 0 || !v.Works {
						t.Errorf("safe: %v: %s", broken, v.Order)
					}
				default:
					if diff := cmp.Diff(s.breaks, broken); diff != "" {
						t.Errorf("unsafe (-want +got):\n%s%s", diff, verdicts(r))
					}
				}
			}
		})
	}
}

// checkReplay replays both suites: the safe branch changes no answer, and each query that surely breaks does so with its values, too.
func (s *suite) checkReplay(t *testing.T, c verify.Config, old, fresh *record.Result, branch string, plain *onward.Report) {
	t.Helper()
	c.Transcripts = map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}, onward.NewCode: {fresh.Transcript}}
	r, err := verify.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Verification.Replay; n.Unlike > 0 || n.Statements < 60 || n.Points == 0 || len(r.Verification.Notes) > 0 {
		t.Errorf("%s: replayed %+v %q", branch, *n, r.Verification.Notes)
	}
	if n := r.Verification.Old; (branch == "safe") != (n.Broken == 0) || n.Broken < plain.Verification.Old.Broken {
		t.Errorf("%s: %d queries of the deployed code are counted as broken, and %d without values", branch, n.Broken, plain.Verification.Old.Broken)
	}
	if branch == "safe" && verdicts(r) != "" {
		t.Errorf("safe: the replay has\n%s", verdicts(r))
	}
	for _, d := range plain.Verdicts {
		if d.Code == onward.OldCode && d.Severity == onward.Error && !slices.ContainsFunc(r.Verdicts, func(x onward.Verdict) bool {
			return x.Code == d.Code && x.Query == d.Query && x.Severity == onward.Error
		}) {
			t.Errorf("%s: the replay lost %s: %s", branch, d.Message, d.Query)
		}
	}
}

// record runs the suite of a branch on its schema.
func (s *suite) record(t *testing.T, dir, branch string) *record.Result {
	t.Helper()
	gittest.RunGit(t, dir, "checkout", "-q", branch)
	c := record.Config{Command: s.command(t), Major: 17, Transcript: true}
	var output bytes.Buffer
	c.Dir, c.Out, c.Err = dir, &output, &output
	if !s.migrates {
		c.Base = &rehearse.Config{Config: audit.Config{Dir: dir, Base: branch, Head: branch}}
	}
	result, err := record.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if result.Failed != nil {
		t.Fatalf("the suite of %s: %v\n%s", branch, result.Failed, output.String())
	}
	return result
}

// verdicts lists those on the deployed code.
func verdicts(r *onward.Report) string {
	lines := map[string]bool{}
	for _, d := range r.Verdicts {
		if d.Code == onward.OldCode {
			lines[fmt.Sprintf("%s %s:%d %s: %s", d.Kind, d.After.Path, d.After.Line, d.Message, d.Query)] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(lines)), "\n")
}

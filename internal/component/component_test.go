package component_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// recorder stands for a test that needs a component.
type recorder struct {
	testing.TB
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) { panic("skip " + fmt.Sprintf(format, args...)) }

func (r *recorder) Fatalf(format string, args ...any) { panic("fail " + fmt.Sprintf(format, args...)) }

// endsWith is how a test ends that needs something.
func endsWith(t *testing.T, need func(t testing.TB)) (end string) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			end = r.(string)
		}
	}()
	need(&recorder{TB: t})
	return "run"
}

// A missing component is a failure if it is required, and leaves a test out otherwise. A present one can be left out.
func TestNeed(t *testing.T) {
	missing := errors.New("it is not here")
	for _, c := range []struct {
		require, leave string
		component      component.Component
		err            error
		want           string
	}{
		{"", "", component.Node, nil, "run"},
		{"", "", component.Node, missing, "skip left out: node: it is not here: scripts/setup.sh node"},
		{"1", "", component.Node, missing, "skip left out: node: "},
		{"1,java,node", "", component.Node, missing, "fail node is required, and it is not here: scripts/setup.sh node"},
		{"all", "", component.Node, missing, "fail node is required"},
		{"1", "java,node", component.Node, nil, "skip left out: node: ONWARD_LEAVE_OUT names it"},
		{"all,packaged", "", component.Node, missing, "fail node is required"},
		{"all", "", component.Root, missing, "skip left out: root: it is not here: run the tests as root"},
		{"1", "root", component.Root, nil, "run"},
	} {
		t.Setenv("ONWARD_REQUIRE", c.require)
		t.Setenv("ONWARD_LEAVE_OUT", c.leave)
		got := endsWith(t, func(t testing.TB) { component.Need(t, c.component, c.err) })
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("Need(%s, %v) with REQUIRE=%q, LEAVE_OUT=%q = %q, want %q", c.component.Name, c.err, c.require, c.leave, got, c.want)
		}
	}
	for require, want := range map[string]string{"": "skip left out: setup: ", "1": "fail setup is required", "1,node": "fail ", "all": "fail "} {
		t.Setenv("ONWARD_REQUIRE", require)
		if got := endsWith(t, func(t testing.TB) { component.NeedSetup(t, missing) }); !strings.HasPrefix(got, want) {
			t.Errorf("ONWARD_REQUIRE=%s: %s", require, got)
		}
	}
}

// The script that installs components knows each tool, and each is in a turn.
func TestSetupKnowsTools(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../../scripts/setup.sh")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^tools="(.*)"$`).FindSubmatch(script)
	if list == nil {
		t.Fatal("setup.sh has no list of tools")
	}
	known := map[string]bool{}
	for _, name := range strings.Fields(string(list[1])) {
		known[name] = true
		if !regexp.MustCompile(`(?m)^    ` + name + `\)`).Match(script) {
			t.Errorf("setup.sh lists %s, and does not install it", name)
		}
	}
	for _, c := range component.ListAll() {
		if c.Turn > component.Turns || known[c.Name] != (c.Turn > 0) {
			t.Errorf("%s: turn %d of %d; known to setup.sh: %t", c.Name, c.Turn, component.Turns, known[c.Name])
		}
		delete(known, c.Name)
	}
	if len(known) > 0 {
		t.Errorf("setup.sh installs %v, which is no component", known)
	}
}

// No test skips but for a component: so each list of tests that were left out is whole.
func TestSkips(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("git", "-C", "../..", "grep", "-nE", `\b[tb]\.(Skip|SkipNow|Skipf)\(|SKIPPED, not tested`, "--", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		switch file, _, _ := strings.Cut(line, ":"); {
		case strings.HasPrefix(file, "internal/component/"):
		case strings.HasPrefix(file, "examples/"): // projects of their own
		case strings.HasSuffix(strings.TrimSpace(line), "\tt.Skip()"): // a fuzz target refuses an input
		case strings.Contains(line, "b.Skip("): // no test runs benchmarks; code.Bound has a field of that name
		default:
			t.Errorf("component.Need says what is missing: %s", line)
		}
	}
}

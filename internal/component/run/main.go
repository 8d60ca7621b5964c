// Command run runs go test in this module and in those below it that tests alone need. It prints what go test prints,
// then the tests that were left out, by component. It fails if a test fails, or is skipped without a component.
//
//	go run ./internal/component/run [-cpu] [ARGUMENTS OF GO TEST]
//	go run ./internal/component/run -turn N
//
// Without arguments it runs every test of every module. It counts the tests, and the cases of those that take turns. With -cpu it
// prints the seconds of processor time of each package, with its servers and tools. With -turn it prints the variables with which the
// N-th landing takes its share of the tools, and as comments when each other tool had its turn.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rotation"
)

// modules are the directories with a go.mod whose tests belong to every run.
var modules = []string{".", "internal/adapter/realrunners", "internal/report/readers"}

func main() {
	code, err := runCommand(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		code = max(code, 3)
	}
	os.Exit(code)
}

func runCommand(args []string, out io.Writer) (int, error) {
	if len(args) > 1 && args[0] == "-turn" {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 0 {
			return 2, fmt.Errorf("-turn %s: a number from 0 on is needed", args[1])
		}
		fmt.Fprint(out, describeTurn(n))
		return 0, nil
	}
	if len(args) > 1 && args[0] == "-measure" {
		return measureCPU(args[1], args[2:])
	}
	var measured string
	if len(args) > 0 && args[0] == "-cpu" {
		file, err := os.CreateTemp("", "onward-cpu")
		if err != nil {
			return 3, err
		}
		_ = file.Close()
		measured, args = file.Name(), args[1:]
		defer os.Remove(measured)
	}
	dirs := modules
	if len(args) > 0 {
		dirs = modules[:1]
	} else {
		args = []string{"-timeout", "60m", "./..."}
	}
	s := newSummary(out)
	for _, dir := range dirs {
		if err := s.testModule(dir, measured, args); err != nil {
			return 3, err
		}
	}
	s.printLeftOut()
	if measured != "" {
		if err := printCPU(out, measured); err != nil {
			return 3, err
		}
	}
	if s.failed || len(s.unmarked) > 0 {
		return 1, nil
	}
	return 0, nil
}

// describeTurn is the shell's assignments for a run of .ci/run.
func describeTurn(n int) string {
	required, left, last := []string{"1"}, []string{}, ""
	for _, c := range component.ListAll() {
		switch c.Turn {
		case 0:
		case n%component.Turns + 1:
			required = append(required, c.Name)
		default:
			left = append(left, c.Name)
			last += fmt.Sprintf("# %s ran %d landings ago\n", c.Name, (n+1-c.Turn+component.Turns)%component.Turns)
		}
	}
	return "ONWARD_REQUIRE=" + strings.Join(required, ",") + "\nONWARD_LEAVE_OUT=" + strings.Join(left, ",") + "\n" + last
}

// event is a line of go test -json.
type event struct {
	Action, Package, Test, Output string
}

// summary is what the runs so far have shown.
type summary struct {
	out    io.Writer
	failed bool
	// output has the output of each test that has not ended, by package and test.
	output map[[2]string][]string
	// left are the tests that were left out, by component, and unmarked those that were skipped for another reason.
	left     map[string][]string
	unmarked []string
	// tests and subtests passed; picked of all cases had their turn.
	tests, subtests, picked, all int
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[[2]string][]string{}, left: map[string][]string{}}
}

// testModule runs go test in a directory.
func (s *summary) testModule(dir, measured string, args []string) error {
	// The profile would have every package compiled once more, go vet runs with the linters, and nobody debugs these programs.
	command := []string{"test", "-json", "-pgo=off", "-vet=off", "-ldflags=-w"}
	if measured != "" {
		executable, err := os.Executable()
		if err != nil {
			return err
		}
		command = append(command, "-exec", executable+" -measure "+measured)
	}
	cmd := exec.Command("go", append(command, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -pgo=off") // for the programs that tests build
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(s.out, lines.Text()) // go itself says that something is wrong
			continue
		}
		s.addEvent(e)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if cmd.Wait() != nil {
		s.failed = true
	}
	return nil
}

// whole are the lines that a package prints of itself.
var whole = lazyregexp.New(`^(ok|FAIL|\?|---)\s|^FAIL$`)

func (s *summary) addEvent(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output":
		if e.Test == "" && whole.MatchString(e.Output) && !strings.Contains(e.Output, "[no test files]") {
			fmt.Fprint(s.out, e.Output)
			return
		}
		if !strings.HasPrefix(e.Output, "=== ") { // that a test begins, pauses, goes on
			s.output[key] = append(s.output[key], e.Output)
		}
		return
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "fail":
		s.failed = true
		if e.Test != "" {
			fmt.Fprint(s.out, strings.Join(s.output[key], ""))
			break
		}
		// Tests that did not end were under way at a crash.
		for _, k := range slices.SortedFunc(maps.Keys(s.output), func(a, b [2]string) int { return cmp.Compare(a[1], b[1]) }) {
			if k[0] == e.Package {
				fmt.Fprint(s.out, strings.Join(s.output[k], ""))
				delete(s.output, k)
			}
		}
		return
	case "skip":
		if e.Test != "" {
			s.addSkipped(e, strings.Join(s.output[key], ""))
		}
	case "pass":
		s.countPassed(e, key)
	default:
		return
	}
	delete(s.output, key)
}

// turnLine is what package rotation logs.
var turnLine = lazyregexp.New(`\b(\d+) of (\d+) cases: ` + rotation.Variable)

// countPassed counts a test that passed, and the cases that it chose from.
func (s *summary) countPassed(e event, key [2]string) {
	switch {
	case e.Test == "":
		return
	case strings.Contains(e.Test, "/"):
		s.subtests++
	default:
		s.tests++
	}
	for _, line := range s.output[key] {
		if m := turnLine.FindStringSubmatch(line); m != nil {
			picked, _ := strconv.Atoi(m[1])
			all, _ := strconv.Atoi(m[2])
			s.picked += picked
			s.all += all
		}
	}
}

var mark = lazyregexp.New(`\b` + component.Mark + `([a-z0-9-]+): `)

// addSkipped notes a test that was skipped.
func (s *summary) addSkipped(e event, output string) {
	name := e.Package + " " + e.Test
	if m := mark.FindStringSubmatch(output); m != nil {
		s.left[m[1]] = append(s.left[m[1]], name)
	} else if !strings.HasPrefix(e.Test, "Fuzz") { // a fuzz target skips seeds that it cannot use
		s.unmarked = append(s.unmarked, name+"\n"+output)
	}
}

// printLeftOut lists the tests that were left out.
func (s *summary) printLeftOut() {
	fmt.Fprintf(s.out, "\nPassed: %d tests and %d subtests. Tests that take turns ran %d of %d cases.\n", s.tests, s.subtests, s.picked, s.all)
	for _, u := range s.unmarked {
		fmt.Fprintf(s.out, "FAIL: skipped, but for no component (internal/component): %s", u)
	}
	total := 0
	for _, list := range s.left {
		total += len(list)
	}
	if total == 0 {
		return
	}
	fmt.Fprintf(s.out, "\nTests left out: %d. make test-all runs those of every tool.\n", total)
	for _, c := range component.ListAll() {
		if n := len(s.left[c.Name]); n > 0 {
			if c.IsRequired() {
				s.failed = true
				fmt.Fprintf(s.out, "FAIL: %s is required\n", c.Name)
			}
			fmt.Fprintf(s.out, "  %3d  %-10s %s: %s\n", n, c.Name, c.Use, c.HowToGet())
		}
	}
}

// measureCPU runs a test binary and notes its processor time, with that of the processes it waited for.
func measureCPU(file string, command []string) (int, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return 3, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return 3, err
	}
	to, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 3, err
	}
	defer to.Close()
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if _, err := fmt.Fprintf(to, "%d %s\n", used.Milliseconds(), dir); err != nil {
		return 3, err
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 1, nil // a signal ended it
}

// printCPU prints what measureCPU noted.
func printCPU(out io.Writer, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	type row struct {
		used time.Duration
		dir  string
	}
	var rows []row
	var total time.Duration
	for line := range strings.Lines(string(text)) {
		ms, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(ms)
		if err != nil {
			return err
		}
		if dir, err = filepath.Rel(root, dir); err != nil {
			return err
		}
		rows = append(rows, row{time.Duration(n) * time.Millisecond, dir})
		total += rows[len(rows)-1].used
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.used, a.used) })
	fmt.Fprintf(out, "\nProcessor time: %.0f s\n", total.Seconds())
	for _, r := range rows {
		fmt.Fprintf(out, "%7.1f  %s\n", r.used.Seconds(), r.dir)
	}
	return nil
}

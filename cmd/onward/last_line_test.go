package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// lastLine matches the last line of a command's output: the next command.
var lastLine = regexp.MustCompile(`^(?:onward: )?next: (onward .+)$`)

// follow is the command "follow CODE NEXT PROGRAM …" of scripts: it runs a program, whose output goes to one terminal, and then the command in the last
// line of that. Both must end with their exit codes. A code of "none" for the second wants no next command. The environment variable SIGNAL=INT:TEXT
// sends the program a signal as soon as it has printed a text.
func follow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: follow CODE NEXT PROGRAM [ARGUMENT…]")
	}
	followNext(ts, args[1], runPrinted(ts, args[0], args[2:]))
}

// runPrinted runs a program for follow, and returns what it has printed.
func runPrinted(ts *testscript.TestScript, code string, program []string) string {
	file := ts.MkAbs("printed")
	ts.Check(os.WriteFile(file, nil, 0o600))
	script := `exec "$@" >"$printed" 2>&1`
	signal, text, sends := strings.Cut(ts.Getenv("SIGNAL"), ":")
	if sends {
		script = fmt.Sprintf(`"$@" >"$printed" 2>&1 & pid=$!; n=0
			until grep -q '%s' "$printed" || [ $n = 1200 ]; do sleep 0.05; n=$((n+1)); done; kill -%s $pid; wait $pid`, text, signal)
	}
	ts.Setenv("printed", file)
	ts.Setenv("SIGNAL", "")
	err := ts.Exec("sh", append([]string{"-c", script, "sh"}, program...)...)
	output, wrong := os.ReadFile(file)
	ts.Check(wrong)
	ts.Logf("%s", output)
	requireCode(ts, code, err)
	return string(output)
}

// followNext runs the command in the last line of an output, and wants its exit code. A want of "none" wants no next command; one that begins with
// "onward" is a pattern for the command, which does not run.
func followNext(ts *testscript.TestScript, want, output string) {
	lines := strings.Split(strings.TrimRight(output, "\n"), "\n")
	next := lastLine.FindStringSubmatch(lines[len(lines)-1])
	switch {
	case want == "none" && !strings.Contains(output, "next: "):
		return
	case want == "none" || next == nil || strings.ContainsAny(next[1], "…"):
		ts.Fatalf("the last line is not what was expected")
	case strings.HasPrefix(want, "onward"):
		if !regexp.MustCompile("^(?:" + want + ")$").MatchString(next[1]) {
			ts.Fatalf("the next command is %s, want %s", next[1], want)
		}
		return
	case strings.Contains(next[1], "ADDRESS"):
		ts.Fatalf("the last line cannot be typed")
	}
	ts.Logf("next: %s", next[1])
	requireCode(ts, want, ts.Exec("sh", "-c", next[1]))
}

// requireCode wants an exit code.
func requireCode(ts *testscript.TestScript, want string, err error) {
	got := 0
	if err != nil {
		exit := new(exec.ExitError)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

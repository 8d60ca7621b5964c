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
	requireCode(ts, args[0], ts.Exec("sh", append([]string{"-c", script, "sh"}, args[2:]...)...))
	output, err := os.ReadFile(file)
	ts.Check(err)
	lines := strings.Split(strings.TrimRight(string(output), "\n"), "\n")
	next := lastLine.FindStringSubmatch(lines[len(lines)-1])
	switch {
	case args[1] == "none" && !strings.Contains(string(output), "next: "):
		return
	case args[1] == "none" || next == nil || strings.ContainsAny(next[1], "…") || strings.Contains(next[1], "ADDRESS"):
		ts.Fatalf("the last line is not what was expected:\n%s", output)
	}
	ts.Logf("next: %s", next[1])
	requireCode(ts, args[1], ts.Exec("sh", "-c", next[1]))
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

package main

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestPlanEnds runs the scripts of the ends of commands in the life of a plan, on the oldest and the newest servers: $DATABASE_URL and $OTHER_URL are
// databases of the version $MAJOR.
func TestPlanEnds(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		p := params("testdata/ends")
		setup := p.Setup
		p.Setup = func(e *testscript.Env) error {
			t := e.T().(testing.TB)
			e.Vars = append(e.Vars, "DATABASE_URL="+pgservertest.Database(t, major), "OTHER_URL="+pgservertest.Database(t, major), "MAJOR="+strconv.Itoa(major))
			return setup(e)
		}
		p.Cmds["follow"], p.Cmds["ends"] = follow, requireEnd
		testscript.Run(t, p)
	})
}

// requireEnd is the command "ends SENTENCE CODE NEXT PROGRAM …" of scripts. It is follow, and the output must have the sentence that onward status prints
// for the last plan of $DATABASE_URL: whether the new code may be deployed. That sentence begins with SENTENCE. If SENTENCE begins with "+", it has the
// whole of it, and status is not asked. "-" wants no such sentence.
func requireEnd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: ends SENTENCE CODE NEXT PROGRAM [ARGUMENT…]")
	}
	want, output := args[0], runPrinted(ts, args[1], args[3:])
	text, whole := strings.CutPrefix(want, "+")
	printed := strings.Join(strings.Fields(output), " ")
	switch {
	case want == "-":
		if strings.Contains(printed, "The new code") {
			ts.Fatalf("there is a sentence about the new code")
		}
	case !whole:
		if text = readSentence(ts); !strings.HasPrefix(text, want) {
			ts.Fatalf("status prints: %s\nwant: %s", text, want)
		}
		fallthrough
	default:
		if n := strings.Count(printed, text); n == 0 || strings.Count(printed, "The new code ") != n {
			ts.Fatalf("the end lacks this sentence, or has another one, too: %s", text)
		}
	}
	followNext(ts, args[2], output)
}

// readSentence returns what onward status says of the last plan.
func readSentence(ts *testscript.TestScript) string {
	status := exec.Command("onward", "status", "--db", ts.Getenv("DATABASE_URL"), "--format", "json")
	out, err := status.Output()
	ts.Check(err)
	var all []*onward.Applied
	ts.Check(json.Unmarshal(out, &all))
	if len(all) == 0 || len(all[len(all)-1].Readiness) != 1 {
		ts.Fatalf("no plan has a sentence: %s", out)
	}
	return all[len(all)-1].Readiness[0].Text
}

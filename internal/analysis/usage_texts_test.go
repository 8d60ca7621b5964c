package analysis_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/onward"
)

// TestUsageTexts holds the severities and the sentences for each usage of testdata/usages.txt. With -update it writes them.
func TestUsageTexts(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for line := range strings.Lines(golden.ReadFile(t, filepath.Join("testdata", "usages.txt"))) {
		line = strings.TrimSpace(line)
		fmt.Fprintf(&got, "%s\n", line)
		writeUsage(&got, parseUsage(t, line))
	}
	compareFound(t, "usages.txt", got.String())
}

func writeUsage(out *strings.Builder, u analysis.Usage) {
	fmt.Fprintf(out, "  drop: %s, name: %s, lowered: %s %s %s\n", u.DropSeverity(), u.NameSeverity(),
		u.LowerSeverity(onward.Error), u.LowerSeverity(onward.Off), u.LowerSeverity(onward.Info))
	fmt.Fprintf(out, "  idle %v, only read %v, only named %v, by functions only %v\n",
		u.IsIdle(), u.IsReadOnly(), u.IsOnlyNamed(), u.IsUsedByFunctionsOnly())
	fmt.Fprintf(out, "  fact:%s\n  harm: %s\n  harm of a deprecated one: %s\n",
		u.StillUsedClause("it"), u.DescribeBreak("t.a"), u.DescribeUnneeded("it is gone", "it"))
	fmt.Fprintf(out, "  drop: %s\n  rename: %s\n", u.FixBeforeDrop("t.a"), u.FixBeforeRename("b", "change the code"))
	fmt.Fprintf(out, "  all%s; writers%s; readers%s; inserts %d\n", u.AllPlaces(), u.ByWriters().FirstPlace(), u.ByReaders().FirstPlace(), len(u.InsertPlaces()))
	for _, e := range u.AllEvidence() {
		fmt.Fprintf(out, "    %s %s:%d %s\n", e.Kind, e.Path, e.Line, e.Text)
	}
}

// parseUsage parses a line: names of fields that are true, "Recorded=3", "code:a.go:3", "query:b.sql:4", "reads:…", "writes:…", "inserts:…", "does:N", and
// "function:NAME:sure,caught,later,maybe,unknown,row,by,fires".
func parseUsage(t *testing.T, line string) (u analysis.Usage) {
	t.Helper()
	for word := range strings.FieldsSeq(line) {
		kind, rest, isPlace := strings.Cut(word, ":")
		name, number, isNumber := strings.Cut(word, "=")
		switch {
		case isNumber:
			n, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			reflect.ValueOf(&u).Elem().FieldByName(name).SetInt(n)
		case !isPlace:
			reflect.ValueOf(&u).Elem().FieldByName(word).SetBool(true)
		case kind == "function":
			u.Functions = append(u.Functions, parseFunctionUse(rest))
		case kind == "ignores":
			u.Ignores = append(u.Ignores, rest)
		case kind == "does":
			n, err := strconv.Atoi(rest)
			if err != nil {
				t.Fatal(err)
			}
			u.Does |= facts.NewHowSet(facts.How(n))
		default:
			path, number, _ := strings.Cut(rest, ":")
			n, _ := strconv.Atoi(number)
			e := onward.Evidence{Kind: kind, Path: path, Line: n}
			switch kind {
			case "reads":
				u.Read = append(u.Read, e)
			case "writes":
				u.Written = append(u.Written, e)
			case "inserts":
				u.Inserts = append(u.Inserts, analysis.Insert{Evidence: e})
			default:
				u.Evidence = append(u.Evidence, e)
			}
		}
	}
	return u
}

func parseFunctionUse(text string) analysis.FunctionUse {
	name, flags, _ := strings.Cut(text, ":")
	f := analysis.FunctionUse{
		Function: &catalog.Function{Name: catalog.Name{Schema: "public", Name: name}}, Names: "t.a", Error: "an error", Mention: catalog.Mention{Text: "SELECT\n a"},
	}
	for flag := range strings.SplitSeq(flags, ",") {
		switch flag {
		case "sure":
			f.Sure = true
		case "caught":
			f.Caught = true
		case "maybe":
			f.Maybe = true
		case "later":
			f.Later = true
		case "unknown":
			f.Unknown = true
		case "row":
			f.Row = &catalog.Trigger{Name: "fill"}
		case "by":
			f.By = "trigger fill"
		case "fires":
			f.Fires = "UPDATE of t that fires fill"
		}
	}
	return f
}

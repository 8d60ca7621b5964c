package view

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// ListUsedRunners returns a report's runners that run one of its migrations.
func ListUsedRunners(r *onward.Report) []*onward.Runner {
	var out []*onward.Runner
	for i := range r.Runners {
		runner := &r.Runners[i]
		if slices.ContainsFunc(r.Migrations, func(m onward.Migration) bool { return runsMigration(runner, &m) }) {
			out = append(out, runner)
		}
	}
	return out
}

func runsMigration(runner *onward.Runner, m *onward.Migration) bool {
	return m.Framework == runner.Framework && slices.ContainsFunc(runnerDirs(runner), func(dir string) bool {
		return dir == "" || strings.HasPrefix(m.Path, dir+"/")
	})
}

// runnerDirs returns the directories that a runner reads.
func runnerDirs(runner *onward.Runner) []string {
	if len(runner.Locations) > 0 {
		return runner.Locations
	}
	return []string{runner.Dir}
}

// mostRunners is how many runners a subtitle names.
const mostRunners = 3

// NameRunners says who runs a report's migrations, and where: "Prisma prisma/migrations".
func NameRunners(r *onward.Report, name, path func(string) string) string {
	var names, out []string
	dirs := map[string][]string{}
	for _, runner := range ListUsedRunners(r) {
		tool := name(toolName(runner))
		if !slices.Contains(names, tool) {
			names = append(names, tool)
		}
		for _, dir := range runnerDirs(runner) {
			if dir != "" {
				dirs[tool] = append(dirs[tool], path(dir))
			}
		}
	}
	for _, tool := range names {
		if text := strings.TrimSpace(tool + " " + prose.FirstAndRest(dirs[tool], mostRunners)); text != filesOfSQL {
			out = append(out, text)
		}
	}
	if len(r.Runners) == 0 {
		out = listFrameworks(r, name, path)
	}
	return prose.FirstAndRest(out, mostRunners)
}

// filesOfSQL is the word for the migrations if no tool has a name.
const filesOfSQL = "SQL files"

// toolName returns a tool's name, or the word for its files if it has no name or is a
// guess.
func toolName(runner *onward.Runner) string {
	if runner.Tool == "" || runner.Assumed || strings.Contains(runner.Tool, "/") {
		return filesOfSQL
	}
	return escape.Line(runner.Tool)
}

// listFrameworks returns the frameworks of a report that does not say who runs its migrations,
// each with its directory if there is one.
func listFrameworks(r *onward.Report, name, dir func(string) string) []string {
	var out, dirs []string
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if f := name(escape.Line(m.Framework)); f != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
		if d := path.Dir(m.Path); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	if len(out) == 1 && len(dirs) == 1 && dirs[0] != "." {
		out[0] += " " + dir(dirs[0])
	}
	return out
}

// AssumedWord precedes a guess.
const AssumedWord = "assumed: "

// DescribeRunner says who runs the migrations of a directory and how that is known. It also
// says how a file is sent if the tool does not decide that.
func DescribeRunner(runner *onward.Runner, path func(string) string) string {
	source := runner.ToldBy
	if strings.Contains(source, "/") && !strings.Contains(source, " ") {
		source = path(source)
	}
	source, sent := escape.Line(source), describeTransactionMode(runner)
	switch {
	case runner.Proof != nil && !runner.Assumed:
		return sent + proofWords(runner.Proof, path)
	case runner.Assumed && runner.Proof != nil && runner.Tool == "":
		return AssumedWord + sent + proofWords(runner.Proof, path)
	case runner.Assumed && runner.Proof != nil:
		return AssumedWord + sent + ", as " + escape.Line(runner.Tool) + " seems to send it" + proofWords(runner.Proof, path)
	case runner.Assumed && runner.Tool == "":
		return AssumedWord + sent + ", as psql -f sends it"
	case runner.Assumed && runner.Tool == runner.ToldBy:
		return AssumedWord + sent + ", as " + source + " seems to send it"
	case runner.Assumed && source == "":
		return AssumedWord + sent + ": " + escape.Line(runner.Tool) + " runs the files, so say how it sends"
	case runner.Assumed:
		return AssumedWord + sent + ", as " + escape.Line(runner.Tool) + " sends it, going by " + source
	case runner.Tool == "":
		return sent + ", as " + cmp.Or(source, "the command line") + " says"
	case source == "":
		return "run by " + escape.Line(runner.Tool)
	case saidSo[source] && runner.Transaction != "":
		return "run by " + escape.Line(runner.Tool) + ", " + sent + ", as " + source + " says"
	case saidSo[source]:
		return "run by " + escape.Line(runner.Tool) + ", as " + source + " says"
	}
	return "run by " + escape.Line(runner.Tool) + " (" + source + ")"
}

// DescribeRunners returns a line for each of a report's runners: directories with the same
// facts share one.
func DescribeRunners(r *onward.Report, path func(string) string) []string {
	list := ListUsedRunners(r)
	var texts, out []string
	dirs := map[string][]string{}
	for _, runner := range list {
		text := runnerLine(r, runner, path)
		if dirs[text] == nil {
			texts = append(texts, text)
		}
		for _, dir := range runnerDirs(runner) {
			dirs[text] = append(dirs[text], path(cmp.Or(dir, ".")))
		}
	}
	for _, text := range texts {
		if len(texts) > 1 {
			text = prose.EnumerateNames(dirs[text]) + ": " + text
		}
		out = append(out, text)
	}
	out = prose.FirstLines(out, mostRunners)
	if line := describeDatabases(list, path); line != "" {
		out = append(out, line)
	}
	return out
}

// describeDatabases says which of the directories with new migrations share a database; "" if all do.
func describeDatabases(list []*onward.Runner, path func(string) string) string {
	var numbers []int
	dirs := map[int][]string{}
	for _, runner := range list {
		if dirs[runner.Database] == nil {
			numbers = append(numbers, runner.Database)
		}
		for _, dir := range runnerDirs(runner) {
			dirs[runner.Database] = append(dirs[runner.Database], path(cmp.Or(dir, ".")))
		}
	}
	if len(numbers) < 2 {
		return ""
	}
	var groups []string
	for _, n := range numbers {
		groups = append(groups, prose.EnumerateNames(dirs[n]))
	}
	first, more := prose.TakeFirst(groups, mostRunners)
	if more > 0 {
		first = append(first, strconv.Itoa(more)+" more")
	}
	return prose.CountNoun(len(numbers), "database") + ", judged apart: " + strings.Join(first, "; ")
}

// runnerLine returns DescribeRunner, with the setting that corrects a guess, and settings
// that are not followed.
func runnerLine(r *onward.Report, runner *onward.Runner, path func(string) string) string {
	text := DescribeRunner(runner, path)
	if len(runner.Locations) > 1 {
		names := make([]string, len(runner.Locations))
		for i, dir := range runner.Locations {
			names[i] = path(dir)
		}
		text += ": " + prose.EnumerateNames(names) + " are one history"
	}
	switch {
	case !runner.Assumed:
	case FormatRevisions(r) == "": // in reports of check, which has the flag
		text += " (say --transaction)"
	default:
		text += " (say transaction: in onward.yaml)"
	}
	if runner.Overrides != "" {
		text += "; " + escape.Line(runner.Overrides) + " is not kept to: the files say themselves how they are sent"
	}
	return text
}

// saidSo are places in which the user says how migrations are run.
var saidSo = map[string]bool{"onward.yaml": true, "--transaction": true, "--framework": true}

// proofWords says what proves that a file runs outside a transaction.
func proofWords(p *onward.Proof, path func(string) string) string {
	return "; " + escape.Line(p.Command) + " in " + path(FormatPlace(p.Path, p.Line, 0)) + ", which is deployed, shows that no transaction is around a file"
}

// describeTransactionMode says how a file is sent.
func describeTransactionMode(runner *onward.Runner) string {
	switch runner.Transaction {
	case onward.TransactionFile:
		return "one transaction a file"
	case onward.TransactionMessage:
		return "one message a file, an implicit transaction"
	case onward.TransactionPipeline:
		return "one pipeline a file, an implicit transaction"
	}
	if runner.Proof != nil {
		return "statement by statement"
	}
	return "no transaction around a file"
}

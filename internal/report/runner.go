package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/onward"
)

// runners are those of a report that run one of its migrations.
func runners(r *onward.Report) []*onward.Runner {
	var out []*onward.Runner
	for i := range r.Runners {
		by := &r.Runners[i]
		if slices.ContainsFunc(r.Migrations, func(m onward.Migration) bool { return runs(by, &m) }) {
			out = append(out, by)
		}
	}
	return out
}

func runs(by *onward.Runner, m *onward.Migration) bool {
	return m.Framework == by.Framework && (by.Dir == "" || strings.HasPrefix(m.Path, by.Dir+"/"))
}

// mostRunners are named in a subtitle.
const mostRunners = 3

// runBy says by whom and where a report's migrations are run: "Prisma prisma/migrations".
func runBy(r *onward.Report, name, path func(string) string) string {
	var names, out []string
	dirs := map[string][]string{}
	for _, by := range runners(r) {
		tool := name(toolName(by))
		if !slices.Contains(names, tool) {
			names = append(names, tool)
		}
		if by.Dir != "" {
			dirs[tool] = append(dirs[tool], path(by.Dir))
		}
	}
	for _, tool := range names {
		if text := strings.TrimSpace(tool + " " + fewOf(dirs[tool])); text != filesOfSQL {
			out = append(out, text)
		}
	}
	if len(r.Runners) == 0 {
		out = frameworks(r, name, path)
	}
	return fewOf(out)
}

// fewOf are the first of some names, and how many others there are.
func fewOf(names []string) string {
	if more := len(names) - mostRunners; more > 0 {
		names = append(slices.Clone(names[:mostRunners]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// filesOfSQL are what is run where no tool has a name.
const filesOfSQL = "SQL files"

// toolName is a tool as it is called, or what it runs where it has no name of its own, or
// is a guess.
func toolName(by *onward.Runner) string {
	if by.Tool == "" || by.Assumed || strings.Contains(by.Tool, "/") {
		return filesOfSQL
	}
	return Line(by.Tool)
}

// frameworks are those of a report that does not say who runs its migrations, with
// the directory where there is one.
func frameworks(r *onward.Report, name, dir func(string) string) []string {
	var out, dirs []string
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if f := name(Line(m.Framework)); f != "" && !slices.Contains(out, f) {
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

// assumedWord begins what is said of a guess.
const assumedWord = "assumed: "

// runnerWords says how it is known who runs the migrations of a directory, and how a
// file is sent where that is no tool's own way.
func runnerWords(by *onward.Runner, path func(string) string) string {
	told := by.ToldBy
	if strings.Contains(told, "/") && !strings.Contains(told, " ") {
		told = path(told)
	}
	told, sent := Line(told), sentWords(by)
	switch {
	case by.Proof != nil && !by.Assumed:
		return sent + proofWords(by.Proof, path)
	case by.Assumed && by.Proof != nil && by.Tool == "":
		return assumedWord + sent + proofWords(by.Proof, path)
	case by.Assumed && by.Proof != nil:
		return assumedWord + sent + ", as " + Line(by.Tool) + " seems to send it" + proofWords(by.Proof, path)
	case by.Assumed && by.Tool == "":
		return assumedWord + sent + ", as psql -f sends it"
	case by.Assumed && by.Tool == by.ToldBy:
		return assumedWord + sent + ", as " + told + " seems to send it"
	case by.Assumed:
		return assumedWord + sent + ", as " + Line(by.Tool) + " sends it, going by " + told
	case by.Tool == "":
		return sent + ", as " + cmp.Or(told, "the command line") + " says"
	case told == "":
		return "run by " + Line(by.Tool)
	case saidSo[told] && by.Transaction != "":
		return "run by " + Line(by.Tool) + ", " + sent + ", as " + told + " says"
	case saidSo[told]:
		return "run by " + Line(by.Tool) + ", as " + told + " says"
	}
	return "run by " + Line(by.Tool) + " (" + told + ")"
}

// runnerLines has a line for each of the runners of a report: one for directories of which
// the same is known.
func runnerLines(r *onward.Report, path func(string) string) []string {
	list := runners(r)
	var texts, out []string
	dirs := map[string][]string{}
	for _, by := range list {
		text := runnerLine(r, by, path)
		if dirs[text] == nil {
			texts = append(texts, text)
		}
		dirs[text] = append(dirs[text], path(cmp.Or(by.Dir, ".")))
	}
	for i, text := range texts {
		if i == mostRunners {
			return append(out, fmt.Sprintf("and %d more", len(texts)-i))
		}
		if len(texts) > 1 {
			text = advice.Enumerate(dirs[text]) + ": " + text
		}
		out = append(out, text)
	}
	return out
}

// runnerLine is runnerWords, with what a guess is mended with and what is not kept to.
func runnerLine(r *onward.Report, by *onward.Runner, path func(string) string) string {
	text := runnerWords(by, path)
	switch {
	case !by.Assumed:
	case revisions(r) == "": // of check, which has the flag
		text += " (say --transaction)"
	default:
		text += " (say transaction: in onward.yaml)"
	}
	if by.Overrides != "" {
		text += "; " + Line(by.Overrides) + " is not kept to: the files say themselves how they are sent"
	}
	return text
}

// saidSo are who says how migrations are run.
var saidSo = map[string]bool{"onward.yaml": true, "--transaction": true, "--framework": true}

// proofWords says what shows that a file is in no transaction.
func proofWords(p *onward.Proof, path func(string) string) string {
	return "; " + Line(p.Command) + " in " + path(place(p.Path, p.Line, 0)) + ", which is deployed, shows that no transaction is around a file"
}

// sentWords says how a file is sent.
func sentWords(by *onward.Runner) string {
	switch by.Transaction {
	case onward.TransactionFile:
		return "one transaction a file"
	case onward.TransactionMessage:
		return "one message a file, an implicit transaction"
	case onward.TransactionPipeline:
		return "one pipeline a file, an implicit transaction"
	}
	if by.Proof != nil {
		return "statement by statement"
	}
	return "no transaction around a file"
}

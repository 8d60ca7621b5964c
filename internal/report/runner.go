package report

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// usedRunners returns a report's runners that run one of its migrations.
func usedRunners(r *onward.Report) []*onward.Runner {
	var out []*onward.Runner
	for i := range r.Runners {
		by := &r.Runners[i]
		if slices.ContainsFunc(r.Migrations, func(m onward.Migration) bool { return runsMigration(by, &m) }) {
			out = append(out, by)
		}
	}
	return out
}

func runsMigration(by *onward.Runner, m *onward.Migration) bool {
	return m.Framework == by.Framework && (by.Dir == "" || strings.HasPrefix(m.Path, by.Dir+"/"))
}

// mostRunners is how many runners a subtitle names.
const mostRunners = 3

// runBy says who runs a report's migrations, and where: "Prisma prisma/migrations".
func runBy(r *onward.Report, name, path func(string) string) string {
	var names, out []string
	dirs := map[string][]string{}
	for _, by := range usedRunners(r) {
		tool := name(toolName(by))
		if !slices.Contains(names, tool) {
			names = append(names, tool)
		}
		if by.Dir != "" {
			dirs[tool] = append(dirs[tool], path(by.Dir))
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
func toolName(by *onward.Runner) string {
	if by.Tool == "" || by.Assumed || strings.Contains(by.Tool, "/") {
		return filesOfSQL
	}
	return EscapeLine(by.Tool)
}

// listFrameworks returns the frameworks of a report that does not say who runs its migrations,
// each with its directory if there is one.
func listFrameworks(r *onward.Report, name, dir func(string) string) []string {
	var out, dirs []string
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if f := name(EscapeLine(m.Framework)); f != "" && !slices.Contains(out, f) {
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

// assumedWord precedes a guess.
const assumedWord = "assumed: "

// runnerWords says who runs the migrations of a directory and how that is known. It also
// says how a file is sent if the tool does not decide that.
func runnerWords(by *onward.Runner, path func(string) string) string {
	source := by.ToldBy
	if strings.Contains(source, "/") && !strings.Contains(source, " ") {
		source = path(source)
	}
	source, sent := EscapeLine(source), sentWords(by)
	switch {
	case by.Proof != nil && !by.Assumed:
		return sent + proofWords(by.Proof, path)
	case by.Assumed && by.Proof != nil && by.Tool == "":
		return assumedWord + sent + proofWords(by.Proof, path)
	case by.Assumed && by.Proof != nil:
		return assumedWord + sent + ", as " + EscapeLine(by.Tool) + " seems to send it" + proofWords(by.Proof, path)
	case by.Assumed && by.Tool == "":
		return assumedWord + sent + ", as psql -f sends it"
	case by.Assumed && by.Tool == by.ToldBy:
		return assumedWord + sent + ", as " + source + " seems to send it"
	case by.Assumed:
		return assumedWord + sent + ", as " + EscapeLine(by.Tool) + " sends it, going by " + source
	case by.Tool == "":
		return sent + ", as " + cmp.Or(source, "the command line") + " says"
	case source == "":
		return "run by " + EscapeLine(by.Tool)
	case saidSo[source] && by.Transaction != "":
		return "run by " + EscapeLine(by.Tool) + ", " + sent + ", as " + source + " says"
	case saidSo[source]:
		return "run by " + EscapeLine(by.Tool) + ", as " + source + " says"
	}
	return "run by " + EscapeLine(by.Tool) + " (" + source + ")"
}

// runnerLines returns a line for each of a report's runners: directories with the same
// facts share one.
func runnerLines(r *onward.Report, path func(string) string) []string {
	list := usedRunners(r)
	var texts, out []string
	dirs := map[string][]string{}
	for _, by := range list {
		text := runnerLine(r, by, path)
		if dirs[text] == nil {
			texts = append(texts, text)
		}
		dirs[text] = append(dirs[text], path(cmp.Or(by.Dir, ".")))
	}
	for _, text := range texts {
		if len(texts) > 1 {
			text = prose.EnumerateNames(dirs[text]) + ": " + text
		}
		out = append(out, text)
	}
	return prose.FirstLines(out, mostRunners)
}

// runnerLine returns runnerWords, with the setting that corrects a guess, and settings
// that are not followed.
func runnerLine(r *onward.Report, by *onward.Runner, path func(string) string) string {
	text := runnerWords(by, path)
	switch {
	case !by.Assumed:
	case comparedRevisions(r) == "": // in reports of check, which has the flag
		text += " (say --transaction)"
	default:
		text += " (say transaction: in onward.yaml)"
	}
	if by.Overrides != "" {
		text += "; " + EscapeLine(by.Overrides) + " is not kept to: the files say themselves how they are sent"
	}
	return text
}

// saidSo are places in which the user says how migrations are run.
var saidSo = map[string]bool{"onward.yaml": true, "--transaction": true, "--framework": true}

// proofWords says what proves that a file runs outside a transaction.
func proofWords(p *onward.Proof, path func(string) string) string {
	return "; " + EscapeLine(p.Command) + " in " + path(formatPlace(p.Path, p.Line, 0)) + ", which is deployed, shows that no transaction is around a file"
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

package audit

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Why a directory is used although it was not detected.
const (
	configuredWhy = "configured"
	namedWhy      = "named"
)

// describeRunner returns who runs a set of migrations, for the report. toldBy is the setting that
// decides how files are sent, if the options have it: "onward.yaml".
func describeRunner(set *adapter.Set, toldBy string) onward.Runner {
	s, evidence := set.Source, set.Evidence
	r := onward.Runner{
		Dir: s.Dir, Framework: s.Framework, Locations: s.Locations, Tool: cmp.Or(evidence.Tool, all.Traits(s.Framework).Tool.Name),
		ToldBy: evidence.FoundIn, Transaction: evidence.Transaction, Assumed: evidence.Assumed,
	}
	if !all.Traits(s.Framework).Plain {
		r.ToldBy = s.Why
	}
	switch s.Why {
	case configuredWhy, namedWhy:
		r.ToldBy = cmp.Or(r.ToldBy, toldBy)
		if !all.Traits(s.Framework).Plain {
			r.ToldBy = toldBy
		}
	}
	if set.Together {
		r.Transaction = "" // the tool sends all migrations in one
	}
	if s.Options.Transaction != "" {
		r.ToldBy, r.Transaction = toldBy, s.Options.Transaction
	}
	if evidence.Proof.Path != "" {
		r.Proof = &onward.Proof{Command: evidence.Proof.Command, Path: evidence.Proof.Path, Line: evidence.Proof.Line}
	}
	return r
}

// surelyDetected is the score of a source whose tool is no guess.
const surelyDetected = 3

// listRunners lists who runs the migrations of a release. Where the tool is a guess by the files' names, and a program of the repository
// reads them, it is that program.
func listRunners(pairs []pair, head adapter.Tree, databases []database) []onward.Runner {
	var out []onward.Runner
	for i, p := range pairs {
		set := p.head
		if len(set.Migrations) == 0 && p.base != nil {
			set = p.base
		}
		if len(set.Migrations) > 0 {
			r := describeRunner(set, config.Name)
			if s := set.Source; r.Assumed && s.Score < surelyDetected && !all.Traits(s.Framework).Plain {
				if program := all.ProposeRunner(head, s); program != nil {
					r.Tool, r.ToldBy = "a runner of its own ("+program.Name+")", ""
				}
			}
			if len(databases) > 1 {
				r.Database = 1 + slices.IndexFunc(databases, func(d database) bool { return slices.Contains(d.sources, i) })
			}
			out = append(out, r)
		}
	}
	return out
}

// recordRunner records who runs a set of migrations. asked is the value of --transaction.
func (j *judge) recordRunner(set *adapter.Set, toldBy string, asked onward.Transaction) {
	if len(set.Migrations) == 0 {
		return
	}
	r := describeRunner(set, toldBy)
	if asked != "" && slices.ContainsFunc(set.Migrations, func(m *adapter.Migration) bool { return m.Source.Mode != asked && m.Failed == "" }) {
		r.Overrides = "--transaction"
	}
	isSameSource := func(x onward.Runner) bool { return x.Dir == r.Dir && x.Framework == r.Framework }
	if !slices.ContainsFunc(j.report.Runners, isSameSource) {
		j.report.Runners = append(j.report.Runners, r)
	}
}

// Detected is a directory of migrations that was found.
type Detected struct {
	onward.Runner
	// Deep is set if directories below it belong to it. It cannot be named in onward.yaml.
	Deep bool
	// Renders is set if the project's own code makes its SQL; that code was not run.
	Renders bool
	// Render is the command to name in onward.yaml, without which its migrations are not judged; "" if none is needed.
	Render string
	// Own describes the repository's own program that runs the files, if that is a guess; nil if none is found.
	Own *config.Runner
	// Migrations is how many it has; 0 if Renders is set.
	Migrations int
}

// Detect lists the directories of migrations in a tree, as a changelog of it would without a
// configuration, and what was left out. No code of the project is run.
//
// Errors: a [*NotFoundError] if there are none, an error while reading one.
func Detect(ctx context.Context, t adapter.Tree) ([]Detected, []onward.Opaque, error) {
	a := changelog{Config: Config{Settings: &config.Config{}}, unnamed: true}
	sources, opaque, err := a.findSources(t, all.ListAdapters())
	if err != nil {
		return nil, opaque, err
	}
	var out []Detected
	for _, s := range sources {
		d := Detected{Deep: s.Deep, Renders: all.Traits(s.Framework).Renders, Render: all.PresetCommand(t, s)}
		set := &adapter.Set{Source: s}
		if framework, ok := all.FindAdapter(s.Framework); ok && !d.Renders {
			if set, err = framework.Load(ctx, t, s); err != nil {
				return nil, opaque, err
			}
		}
		d.Runner, d.Migrations = describeRunner(set, config.Name), len(set.Migrations)
		if d.Assumed {
			d.Own = all.ProposeRunner(t, s)
		}
		out = append(out, d)
	}
	return out, opaque, nil
}

// cosmetics describes a difference that no database notices.
const cosmetics = "only comments and white space differ"

// describeDifference says what differs between two versions of a migration with the same SQL, and whether the difference has
// no effect on a database.
func describeDifference(old, m *adapter.Migration) (detail string, cosmetic bool) {
	read := all.Traits(m.Framework).Meaning
	if read == nil {
		language := lexer.LanguageOf(m.Path)
		if language == nil || path.Ext(m.Path) == ".sql" {
			return cosmetics, true // the file is the SQL itself
		}
		read = func(text string) (whole, program string) { return squeezeProgram(text, language) }
	}
	oldText, oldProgram := read(old.Source.Text)
	text, program := read(m.Source.Text)
	switch {
	case oldText == text:
		return cosmetics, true
	case oldProgram != program && len(old.Opaque)+len(m.Opaque) > 0:
		return "its SQL is the same, the code that it runs is not", false
	}
	return "its SQL is the same: what differs changes no schema", true
}

// wayDown matches the beginning of the part of a program that undoes a migration, and wayUp the name of the other part.
var (
	wayDown = lazyregexp.New(`\b(?:def (?:self\.)?down\b|exports\.down\b|down ?[:=(]|function down\b|func [Dd]own\w* ?\()`)
	wayUp   = lazyregexp.New(`\b(?:up|[uU]p[A-Z0-9_]\w*)\b`)
)

// importStatement matches a statement of JavaScript, TypeScript, Go or Ruby that only names another file.
var importStatement = lazyregexp.New(`(?m)^(?:import\b[^'"(]*['"][^'"\n]*['"];?|import \([^)]*\)|` +
	`(?:const|let|var) [^=\n]*= require\([^()\n]*\);?|require(?:_relative)? ?\(?['"][^'"\n]*['"]\)?;?)$`)

// hereDocument matches the beginning of a here document of Ruby, whose indentation is white space, too.
var hereDocument = lazyregexp.New(`<<[-~](['"]?[A-Z])`)

// squeezeProgram returns a program without comments and with white space reduced to line ends and spaces. program is its part that goes
// up, without imports: a file that was moved is imported by another path.
func squeezeProgram(text string, language *lexer.Language) (whole, program string) {
	_, comments := lexer.CutStrings([]byte(text), language)
	var b strings.Builder
	from := 0
	for _, c := range comments {
		if c.From >= from {
			b.WriteString(text[from:c.From])
			b.WriteByte(' ')
			from = c.To
		}
	}
	b.WriteString(text[from:])
	var lines []string
	for line := range strings.Lines(b.String()) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, hereDocument.ReplaceAllString(strings.Join(words, " "), "<<~$1"))
		}
	}
	whole = strings.Join(lines, "\n")
	program = whole
	if down := wayDown.FindStringIndex(whole); down != nil {
		program = whole[:down[0]]
		if !wayUp.MatchString(program) {
			program = whole // the part that goes down is written first
		}
	}
	return whole, strings.TrimSpace(importStatement.ReplaceAllString(program, ""))
}

package sql

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// proposal is what a repository shows of its own program that runs SQL files.
type proposal struct {
	// program is the file that reads the migrations.
	program string
	// runner describes it. Its Transaction is "" if the code does not show it.
	runner config.Runner
}

var (
	// fileReaders match code that lists or reads SQL files, by the extension of its file.
	fileReaders = map[string]*lazyregexp.Regexp{
		".go": lazyregexp.New(`//go:embed\s|\b(?:ReadDir|WalkDir|ReadFile|Glob)\(`),
		".py": lazyregexp.New(`\b(?:listdir|scandir|iterdir|glob|rglob|read_text|files)\(`),
		".js": lazyregexp.New(`\b(?:readdir|readdirSync|readFile|readFileSync|loadMigrationFiles|glob|globSync)\(`),
	}
	// historyCreate matches the CREATE TABLE of a program's own table.
	historyCreate = lazyregexp.New("(?i)\\bCREATE\\s+TABLE\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?" +
		"(?:[\"\\w]+\\.|\\$\\{[^{}\\n]{1,60}\\}\\.)?(\"?\\w*(?:migration|schema_version|changelog)\\w*\"?)\\s*\\(")
	// beginning matches code that opens a transaction, in any language.
	beginning = lazyregexp.New("(?i)[\"'`]\\s*(?:begin|start transaction)\\b|\\bbegin(?:x|tx|txx|func|txfunc|transaction)?\\(" +
		"|\\.transaction\\(|\\bpsql\\b[^\\n]*\\s(?:-1|--single-transaction)\\b")
	// offMarker matches a comment that switches a transaction off.
	offMarker = lazyregexp.New(`(?i)^--[^;]*?\b(?:(?:no|non|disable|without|skip)[-_ ]?(?:transactions?|tx|transactional)\b` +
		`|transaction\s*[:=]\s*(?:off|false|none|no)\b)`)
	// numberedProgram matches a migration that is a program, and the ending of its name: 1_x.py, 1_x.up.go.
	numberedProgram = lazyregexp.New(`^\d+(?:[.-]\d+)*[_-][^.]*((?:\.up)?\.[a-z]+)$`)
	// filledToken matches a text that programs replace in SQL.
	filledToken = lazyregexp.New(`:[A-Z][A-Z0-9_]{3,}\b|\{\{-?\s*\.?\w+\s*-?\}\}|\$\{\w+\}|%\(\w+\)s|__[A-Z][A-Z0-9_]+__`)
	tokenName   = lazyregexp.New(`\w+`)
)

// Limits of what is read for a proposal.
const (
	maxProposalFiles = 400
	maxProposalBytes = 256 << 10
	maxSampleFiles   = 300
	markerLines      = 10
	// aboveDirs is how many directories above the migrations a program may be.
	aboveDirs = 4
)

// ProposeRunner describes the program that runs the SQL files of a source, by its own code; nil if no program of the repository reads
// them. Its Name is the program's path, and its Transaction is "" if the code does not show it.
func ProposeRunner(t adapter.Tree, s adapter.Source) *config.Runner {
	program := findProgram(t, s.Dir)
	if program == "" {
		return nil
	}
	p := &proposal{program: program, runner: config.Runner{Name: program}}
	names := listSQLFiles(t, s)
	p.setFiles(t, s, names)
	p.setTransaction(t, s, names)
	p.setReplacements(t, s, names)
	p.setTable(t)
	return &p.runner
}

// findProgram returns the file that reads the files of a directory; "" if none is found. A program that is closer counts more.
func findProgram(t adapter.Tree, dir string) string {
	if repoProgram := findRepositoryProgram(t, dir); repoProgram != nil {
		return repoProgram.path
	}
	if program := findReader(t, dir); program != "" {
		return program
	}
	return mergePsqlCalls(t, dir).in
}

// findReader returns the code file that reads the files of a directory; "" if none does.
func findReader(t adapter.Tree, dir string) string {
	base := path.Base(dir)
	best, distance := "", aboveDirs+1
	ownPaths, tests := adapter.NewNames(ownPath), adapter.NewNames(ofTests)
	read := 0
	for _, p := range t.Paths() {
		reads := fileReaders[languageOf(p)]
		up, isNear := levelsAbove(path.Dir(p), dir)
		if reads == nil || tests.Match(p) || strings.HasSuffix(p, "_test.go") || strings.HasSuffix(p, ".d.ts") || !isNear && !ownPaths.Match(p) {
			continue
		}
		if !isNear {
			up = aboveDirs
		}
		if up >= distance {
			continue
		}
		if read++; read > maxProposalFiles {
			break
		}
		text := readFileStart(t, p)
		namesDir := hasQuotedWord(text, base) || embedsDir(text, base) || up == 0 && strings.Contains(text, ".sql")
		if namesDir && reads.MatchString(text) {
			best, distance = p, up
		}
	}
	return best
}

// embedsDir reports whether a Go program embeds a directory by its name.
func embedsDir(text, base string) bool {
	return hasMatchingLine(text, base, lazyregexp.New(`^//go:embed\b[^\n]*\b`+regexp.QuoteMeta(base)+`(?:/|\s|$)`))
}

// languageOf returns the extension under which a file's language is listed.
func languageOf(p string) string {
	switch ext := path.Ext(p); ext {
	case ".mjs", ".cjs", ".ts", ".mts", ".cts":
		return ".js"
	default:
		return ext
	}
}

// levelsAbove returns how many levels a directory is above another one, or the same; isNear is false if it is not, or too far.
func levelsAbove(ancestor, dir string) (levels int, isNear bool) {
	if ancestor == "." {
		ancestor = ""
	}
	for levels = 0; levels <= aboveDirs; levels++ {
		if dir == ancestor {
			return levels, true
		}
		if dir == "" {
			return 0, false
		}
		dir, _ = path.Split(dir)
		dir = strings.TrimSuffix(dir, "/")
	}
	return 0, false
}

// readFileStart reads the beginning of a file.
func readFileStart(t adapter.Tree, p string) string {
	content, err := t.Read(p)
	if err != nil {
		return ""
	}
	return string(content[:min(len(content), maxProposalBytes)])
}

// listSQLFiles lists the SQL files of a source, relative to its directory.
func listSQLFiles(t adapter.Tree, s adapter.Source) []string {
	var out []string
	for _, n := range adapter.FilesBelow(t, s.Dir) {
		if strings.HasSuffix(n, ".sql") && (s.Deep || !strings.Contains(n, "/")) || strings.HasSuffix(n, ".sql.postgres") {
			out = append(out, n)
		}
	}
	return out
}

// setFiles sets the patterns of the migrations, of the files that undo them, and of migrations that are programs.
func (p *proposal) setFiles(t adapter.Tree, s adapter.Source, names []string) {
	hasEnding := func(ending string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ending) })
	}
	prefix := ""
	if s.Deep {
		prefix = "**/"
	}
	for _, e := range []string{".down.sql", "_down.sql", "-down.sql"} {
		if hasEnding(e) {
			p.runner.Down = append(p.runner.Down, prefix+"*"+e)
		}
	}
	if s.Deep || hasEnding(".sql.postgres") {
		p.runner.Files = []string{prefix + "*.sql"}
	}
	if hasEnding(".sql.postgres") {
		p.runner.Files = append(p.runner.Files, prefix+"*.sql.postgres")
	}
	endings := map[string]bool{}
	for _, n := range adapter.FilesBelow(t, s.Dir) {
		if m := numberedProgram.FindStringSubmatch(path.Base(n)); m != nil && languages[path.Ext(n)] != "" &&
			(s.Deep || !strings.Contains(n, "/")) && !noWay.MatchString(n) {
			endings[m[1]] = true
		}
	}
	for _, e := range slices.Sorted(maps.Keys(endings)) {
		p.runner.Programs = append(p.runner.Programs, prefix+"*"+e)
	}
}

// setTransaction sets how a file is sent, and the marker that changes it, as far as the program shows it.
func (p *proposal) setTransaction(t adapter.Tree, s adapter.Source, names []string) {
	if repoProgram := findRepositoryProgram(t, s.Dir); repoProgram != nil {
		p.runner.Transaction = repoProgram.mode
	} else if c := mergePsqlCalls(t, s.Dir); c.in == p.program {
		p.runner.PSQL = true
		p.runner.Transaction = map[sendMode]onward.Transaction{
			statements: onward.TransactionNone, once: onward.TransactionFile, text: onward.TransactionMessage,
		}[c.mode]
	} else if slices.ContainsFunc(p.listProgramFiles(t), func(f string) bool { return beginning.MatchString(readFileStart(t, f)) }) {
		p.runner.Transaction = onward.TransactionFile
	}
	counts := map[string]int{}
	for _, n := range adapter.SampleNames(names, maxSampleFiles) {
		if marker := findOffMarker(readFileStart(t, path.Join(s.Dir, n))); marker != "" {
			counts[marker]++
		}
	}
	if marker := mostFrequent(counts); marker != "" && p.runner.Transaction != onward.TransactionMessage && p.runner.Transaction != onward.TransactionNone {
		p.runner.NoTransactionMarker, p.runner.Transaction = marker, onward.TransactionFile
	}
}

// findOffMarker returns the comment among the first lines of a file that switches its transaction off; "" for none.
func findOffMarker(text string) string {
	for range markerLines {
		line, rest, more := strings.Cut(text, "\n")
		if line = strings.TrimSpace(line); len(line) <= 80 && offMarker.MatchString(line) {
			return line
		}
		if !more {
			return ""
		}
		text = rest
	}
	return ""
}

// mostFrequent returns the text with the highest count, the first of equal ones; "" for none.
func mostFrequent(counts map[string]int) string {
	best := ""
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		if counts[text] > counts[best] {
			best = text
		}
	}
	return best
}

// listProgramFiles returns the program and the code files of its directory.
func (p *proposal) listProgramFiles(t adapter.Tree) []string {
	dir := strings.TrimPrefix(path.Dir(p.program), ".")
	out := []string{p.program}
	if dir == "" {
		return out
	}
	for _, n := range adapter.FilesBelow(t, dir) {
		filePath := path.Join(dir, n)
		if !strings.Contains(n, "/") && languageOf(n) == languageOf(p.program) && filePath != p.program && !strings.HasSuffix(n, "_test.go") && len(out) < 20 {
			out = append(out, filePath)
		}
	}
	return out
}

// setReplacements sets the texts that the program replaces: those with a form of their own whose name the program's files have.
func (p *proposal) setReplacements(t adapter.Tree, s adapter.Source, names []string) {
	found := map[string]bool{}
	for _, n := range adapter.SampleNames(names, maxSampleFiles) {
		for _, token := range filledToken.FindAllString(readFileStart(t, path.Join(s.Dir, n)), -1) {
			if found[token] = true; len(found) > 50 {
				return
			}
		}
	}
	for token := range found {
		name := tokenName.FindString(strings.Trim(token, "_"))
		for _, f := range p.listProgramFiles(t) {
			if strings.Contains(readFileStart(t, f), name) {
				if p.runner.Replace == nil {
					p.runner.Replace = map[string]string{}
				}
				p.runner.Replace[token] = strings.ToLower(name)
			}
		}
	}
}

// setTable sets the table in which the program records what has run, if it creates it.
func (p *proposal) setTable(t adapter.Tree) {
	for _, f := range p.listProgramFiles(t) {
		text := readFileStart(t, f)
		match := historyCreate.FindStringSubmatchIndex(text)
		if match == nil {
			continue
		}
		p.runner.Table = strings.Trim(text[match[2]:match[3]], `"`)
		if columns := cutBalancedPrefix(text[match[1]-1:]); columns != "" && !strings.ContainsAny(columns, "\"'`$%{;") {
			p.runner.Table += " (" + strings.Join(strings.Fields(columns[1:len(columns)-1]), " ") + ")"
		}
		return
	}
}

// cutBalancedPrefix returns the text up to the parenthesis that closes the first one; "" if that is far.
func cutBalancedPrefix(text string) string {
	depth := 0
	for i := range min(len(text), 1000) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return text[:i+1]
			}
		}
	}
	return ""
}

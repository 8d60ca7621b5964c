package audit

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/usage"
)

// lowerDeclared lowers the severity of a use that is the declaration of a model, if no code names the model. It stays
// at least a warning: code may find models by names that it builds, or iterate over all of them.
func (u *deployedCode) lowerDeclared(q question, uses []usage.Use, out *analysis.Usage) {
	if !out.Used || slices.ContainsFunc(uses, func(e usage.Use) bool { return e.How != usage.Maps }) {
		return
	}
	u.lowerUnnamed(q, u.indexFor(q).Declarations(q.Name), out)
}

// lowerModel is lowerDeclared for models that an adapter read. Django queries models without naming them, to follow
// foreign keys: those count as used.
func (u *deployedCode) lowerModel(q question, out *analysis.Usage) {
	models, whole := u.deployedModels(q.database)
	if whole {
		return
	}
	declared := u.indexFor(q).Declarations(q.Name)
	for _, m := range models {
		if isModelOf(m.Table, q.Name) {
			declared = append(declared, usage.Declaration{Path: m.Path, Class: m.Name[strings.LastIndexByte(m.Name, '.')+1:], Line: m.Line})
		}
	}
	u.lowerUnnamed(q, declared, out)
}

// lowerUnnamed lowers a use by declarations, unless a file names the table or one of their classes elsewhere.
func (u *deployedCode) lowerUnnamed(q question, declared []usage.Declaration, out *analysis.Usage) {
	if len(declared) == 0 || u.readCode().err != nil || u.mayBeInFaulty(q) {
		return
	}
	words := append(tableWords(q.Name.Name), q.Name.Name)
	own := map[string][]usage.Declaration{}
	for _, d := range declared {
		words = append(words, classWords(d.Class)...)
		own[d.Path] = append(own[d.Path], d)
	}
	b, marks := u.indexFor(q), marksOf(words)
	for i, names := range u.readCode().readIdentifiers() {
		f := &u.readCode().files[i]
		if own[f.Path] == nil && hasAny(names, marks) && (b.Skip == nil || !b.Skip(f.Path)) {
			return
		}
	}
	for path, list := range own {
		if u.namesOutside(path, words, list) {
			return
		}
	}
	out.Used, out.Sure, out.Named, out.Declared = false, false, true, true
}

// classWords returns the spellings of a class, of a collection of it, and of the table that it would have by its
// name.
func classWords(class string) []string {
	if class == "" {
		return nil
	}
	snake := strings.ToLower(upperInside.ReplaceAllString(class, "${1}_${2}"))
	return slices.Concat(usage.Spellings(class), usage.Spellings(class+"s"), tableWords(snake), usage.Spellings(snake+"s"))
}

var upperInside = lazyregexp.New(`([a-z0-9])([A-Z])`)

// tellsTable matches a line that belongs to a declaration and names it: the name of its table, a method of its class,
// a type made of it.
var tellsTable = lazyregexp.New(`\b(?:__tablename__|db_table|table_name|TableName|tableName)\b|@@map\(|@(?:\w+\.)*(?:Table|Entity|MappedEntity)\b|\[(?:\w+\.)*Table\(|#\[\w+|\$table\b|^return\s+["']|` +
	`^func \(\w*\s*\*?\w+\)|^(?:export )?type \w+ =|^impl\b`)

// namesOutside reports whether a file names one of some words outside of the declarations that it holds.
func (u *deployedCode) namesOutside(path string, words []string, declared []usage.Declaration) bool {
	texts, err := u.base.ReadAll([]string{path})
	if err != nil {
		return true
	}
	lines := strings.Split(string(texts[path]), "\n")
	for _, m := range usage.CutFile(path, texts[path]).Mentions(words) {
		line := strings.TrimSpace(lines[m.Line-1])
		isOwn := slices.ContainsFunc(declared, func(d usage.Declaration) bool {
			return d.Line == m.Line || d.Class != "" && strings.Contains(line, "class "+d.Class)
		})
		if !isOwn && !tellsTable.MatchString(line) {
			return true
		}
	}
	return false
}

package deployed

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// lowerDeclaredUses lowers the severity of a use that is the declaration of a model, if no code names the model. It stays
// at least a warning: code may find models by names that it builds, or iterate over all of them.
func (u *Code) lowerDeclaredUses(q question, uses []index.Use, out *analysis.Usage) {
	if !out.Used || slices.ContainsFunc(uses, func(e index.Use) bool { return e.How != facts.Maps }) {
		return
	}
	u.lowerUnnamedModels(q, u.indexFor(q).Declarations(q.Name), out)
}

// lowerModelUses is lowerDeclaredUses for models that an adapter read. Django queries models without naming them, to follow
// foreign keys: those count as used.
func (u *Code) lowerModelUses(q question, out *analysis.Usage) {
	models, whole := u.deployedModels(q.database)
	if whole {
		return
	}
	declared := u.indexFor(q).Declarations(q.Name)
	for _, m := range models {
		if isModelOf(m.Table, q.Name) {
			declared = append(declared, index.Declaration{Path: m.Path, Class: m.Name[strings.LastIndexByte(m.Name, '.')+1:], Line: m.Line})
		}
	}
	u.lowerUnnamedModels(q, declared, out)
}

// maxLabels bounds how many files are read to see whether their names of a model are only words in comments and messages.
const maxLabels = 20

// lowerUnnamedModels lowers a use by declarations, unless a file names the table or one of their classes elsewhere.
func (u *Code) lowerUnnamedModels(q question, declared []index.Declaration, out *analysis.Usage) {
	if len(declared) == 0 || u.ReadFiles().err != nil || u.mayBeInFaulty(q) {
		return
	}
	if isPrismaOnly(declared) {
		if !u.usesPrismaModel(q, declared) {
			out.Used, out.Sure, out.Named, out.Declared = false, false, true, true
		}
		return
	}
	words := append(facts.TableWords(q.Name.Name), q.Name.Name)
	declaredByPath := map[string][]index.Declaration{}
	for _, d := range declared {
		words = append(words, classWords(d.Class)...)
		declaredByPath[d.Path] = append(declaredByPath[d.Path], d)
	}
	b, marks := u.indexFor(q), newMarks(words)
	var otherPaths []string
	for i, names := range u.ReadFiles().readIdentifiers() {
		f := &u.ReadFiles().files[i]
		if declaredByPath[f.Path] == nil && marks.isAnyIn(names) && (b.Skip == nil || !b.Skip(f.Path)) {
			if otherPaths = append(otherPaths, f.Path); len(otherPaths) > maxLabels {
				return
			}
		}
	}
	texts, err := u.base.ReadAll(otherPaths)
	if err != nil {
		return
	}
	for path, text := range texts {
		if mentions.CutFile(path, text).NamesInCode(words) {
			return
		}
	}
	for path, list := range declaredByPath {
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
	return slices.Concat(facts.Spellings(class), facts.Spellings(class+"s"), facts.TableWords(snake), facts.Spellings(snake+"s"))
}

var upperInside = lazyregexp.New(`([a-z0-9])([A-Z])`)

// tellsTable matches a line that belongs to a declaration and names it: the name of its table, a method of its class,
// a type made of it.
var tellsTable = lazyregexp.New(`\b(?:__tablename__|db_table|table_name|TableName|tableName)\b|@@map\(|@(?:\w+\.)*(?:Table|Entity|MappedEntity)\b|\[(?:\w+\.)*Table\(|#\[\w+|\$table\b|^return\s+["']|` +
	`^func \(\w*\s*\*?\w+\)|^(?:export )?type \w+ =|^impl\b`)

// namesOutside reports whether a file names one of some words outside of the declarations that it holds.
func (u *Code) namesOutside(path string, words []string, declared []index.Declaration) bool {
	texts, err := u.base.ReadAll([]string{path})
	if err != nil {
		return true
	}
	lines := strings.Split(string(texts[path]), "\n")
	for _, m := range mentions.CutFile(path, texts[path]).Mentions(words) {
		line := strings.TrimSpace(lines[m.Line-1])
		isOwn := slices.ContainsFunc(declared, func(d index.Declaration) bool {
			return d.Line == m.Line || d.Class != "" && strings.Contains(line, "class "+d.Class)
		})
		if !isOwn && !tellsTable.MatchString(line) {
			return true
		}
	}
	return false
}

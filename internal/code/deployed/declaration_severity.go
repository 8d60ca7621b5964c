package deployed

import (
	"path"
	"regexp"
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

// isPrismaOnly reports whether all declarations of a model are in schemas of Prisma.
func isPrismaOnly(declared []index.Declaration) bool {
	return !slices.ContainsFunc(declared, func(d index.Declaration) bool { return path.Ext(d.Path) != ".prisma" || d.Class == "" })
}

// maxMembers bounds how many files are read for members of Prisma's client.
const maxMembers = 400

// usesPrismaModel reports whether code may query a model of Prisma: by a member of the client, by a field of another model that
// refers to it, or by SQL with the table's name. A word such as "example" elsewhere is none of these.
func (u *Code) usesPrismaModel(q question, declared []index.Declaration) bool {
	b := u.indexFor(q)
	var members, schemas []string
	for _, d := range declared {
		members = append(members, strings.ToLower(d.Class[:1])+d.Class[1:], d.Class)
	}
	for i := range u.ReadFiles().files {
		if p := u.ReadFiles().files[i].Path; path.Ext(p) == ".prisma" {
			schemas = append(schemas, p)
		}
	}
	texts, err := u.base.ReadAll(schemas)
	if err != nil {
		return true
	}
	var fields []string
	for _, d := range declared {
		field := lazyregexp.New(`(?m)^[ \t]+(\w+)[ \t]+` + d.Class + `\b`)
		for _, text := range texts {
			for _, m := range field.FindAllSubmatch(text, -1) {
				fields = append(fields, string(m[1]))
			}
		}
	}
	marks := newMarks(slices.Concat(members, fields, []string{q.Name.Name}))
	var otherPaths []string
	for i, names := range u.ReadFiles().readIdentifiers() {
		f := &u.ReadFiles().files[i]
		if path.Ext(f.Path) != ".prisma" && marks.isAnyIn(names) && (b.Skip == nil || !b.Skip(f.Path)) {
			if otherPaths = append(otherPaths, f.Path); len(otherPaths) > maxMembers {
				return true
			}
		}
	}
	if texts, err = u.base.ReadAll(otherPaths); err != nil {
		return true
	}
	any := "(?:" + strings.Join(members, "|") + ")"
	// A member: tx.example.findMany(), prisma.example, prisma["example"], { example } = prisma.
	member := lazyregexp.New(`[.?]\s*` + any + `[\s.?!]*\.\s*(?:find|create|update|upsert|delete|count|aggregate|groupBy|[A-Z])|` +
		`(?i:\w*prisma\w*|\bdb|\btx|\w*client)\s*[.?]+\s*` + any + `\b|(?i:prisma\w*|\bdb|\btx|client)\[["'` + "`]" + any + `["'` + "`]|" +
		`\{[^{}()\n]*\b` + any + `\b[^{}()\n]*\}\s*=`)
	// SQL: FROM "Example". Kysely: selectFrom("Example as e").
	sql := lazyregexp.New(`(?i)(?:\b(?:FROM|JOIN|INTO|UPDATE|TABLE|ONLY)\s+|` +
		`\b(?:\w*from|table|into|knex|db|insertInto|updateTable|\w+Join)\(\s*\[?\s*["'` + "`])" +
		`(?:\\?"?\w+\\?"?\.)?\\?"?` + regexp.QuoteMeta(q.Name.Name) + `\b`)
	for p, text := range texts {
		if member.Match(text) || sql.Match(text) || len(fields) > 0 && mentions.CutFile(p, text).NamesInCode(fields) {
			return true
		}
	}
	return false
}

// declaring matches where a model names a constraint, an index or a type: in mappers of
// Python, Java, TypeScript, C# and Go, and in files that tools generate from the schema.
// Ecto's unique_constraint( uses the name to identify errors.
var declaring = lazyregexp.New(`(?:\b(?:(?:Unique|Check|Exclusion|Exclude|ForeignKey|PrimaryKey)Constraint|[A-Z]\w*Index)|\b(?:unique|uniqueIndex|pgEnum|index|check|foreignKey|primaryKey|Unique|Index|Check|Exclude|HasDatabaseName|HasConstraintName|HasName))\(.*["'` + "`" + `]\w+["'` + "`" + `]` +
	`|\b(?:uniqueIndex|index|unique|check|constraint):\w+|\b(?:fields|columns|condition|expressions)=.*\bname=["']\w+["']|^name=["']\w+["'][,)]*$|^enum \w+ \{$` +
	`|\b(?:foreignKeyName|foreignKeyConstraintName|primaryKeyConstraintName|Symbol):\s*["']\w+["']|^name:\s*["']\w+["'],?$`)

// isDeclarationLine reports whether a line has a name because a model declares a constraint or an
// index with it: the declaration is where the object comes from, and no use of it.
func isDeclarationLine(file, line, name string) bool {
	return hasWord(declaring.FindString(line), name) && !strings.HasSuffix(file, ".sql")
}

// hasWord reports whether a text has a word.
func hasWord(text, word string) bool {
	for offset := 0; ; {
		n := strings.Index(text[offset:], word)
		if n < 0 {
			return false
		}
		if isWholeWord(text, offset+n, len(word)) {
			return true
		}
		offset += n + len(word)
	}
}

// isWholeWord reports whether n bytes of a text are no part of a longer word.
func isWholeWord(text string, offset, n int) bool {
	return (offset == 0 || !isNameByte(text[offset-1])) && (offset+n >= len(text) || !isNameByte(text[offset+n]))
}

// isNameByte reports whether a byte belongs to a name.
func isNameByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

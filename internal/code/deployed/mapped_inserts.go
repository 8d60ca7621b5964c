package deployed

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/code/prisma"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A mapper inserts rows through classes, and no SQL shows it. A table counts as not inserted into only if no code
// constructs its class, has a repository or a form of it in a file that inserts, or names it near a word that inserts.

var (
	// mappedInsertWords are the words by which mappers, forms and serializers insert rows.
	mappedInsertWords = lazyregexp.New(`(?i)insert|upsert|bulk|save|\badd(?:_\w+)?\(|create(?:$|[^d_]|_(?:[^a]|all))|` +
		`persist|\bcopy|merge|store\(|put\(|build|<<|` +
		`nested_attributes|cascade|register|modeladmin|inline|modelform|serializer|viewset`)
	// declaredClass matches the name of a class at its declaration.
	declaredClass = lazyregexp.New(`\b(?:class|struct|record|object|defmodule|interface)\s+([A-Za-z_][\w.]*)|` +
		`\btype\s+(\w+)\s+struct|\b(?:const|let|var)\s+(\w+)\s*=`)
	// beforeDeclared are words before a class name that is declared, and not constructed.
	beforeDeclared = lazyregexp.New(`(?:class|interface|model|enum|struct|impl|extends|record|object|type|trait|module)\s+$`)
)

// handleSuffixes are ends of names of what works on a model: RoleRepository, roleService.
var handleSuffixes = []string{
	"Repository", "Repo", "Service", "Factory", "Form", "FormSet", "Serializer", "Manager", "Dao", "DAO", "Store", "Model", "Entity", "Schema", "ViewSet",
	"Admin", "Controller", "Mapper", "Crud", "CRUD", "Dto", "Input", "Inline",
}

// classLines is how many lines after a mapping its class may be declared.
const classLines = 12

// mappedClasses returns the classes that map a table. ok is false if one is not known.
func (s *SmallTables) mappedClasses(q question, uses []index.Use) (classes []string, ok bool) {
	models, _ := s.code.deployedModels(q.database)
	for _, m := range models {
		if isModelOf(m.Table, q.Name) {
			classes = append(classes, m.Name[strings.LastIndexByte(m.Name, '.')+1:])
		}
	}
	for _, e := range uses {
		if e.How != facts.Maps || path.Ext(e.Path) == ".rs" && s.isDiesel(e.Path) {
			continue
		}
		class := s.classAt(e)
		if class == "" {
			return nil, false
		}
		classes = append(classes, class)
	}
	slices.Sort(classes)
	return slices.Compact(classes), true
}

// declaresModel reports whether a file declares a framework's model of a table: the table's name in it is the mapping.
func (s *SmallTables) declaresModel(q question, file string) bool {
	models, _ := s.code.deployedModels(q.database)
	return slices.ContainsFunc(models, func(m adapter.Model) bool { return m.Path == file && isModelOf(m.Table, q.Name) })
}

// classAt returns the class that a mapping in a file is about; "" if none is declared there.
func (s *SmallTables) classAt(e index.Use) string {
	text, err := s.code.base.Read(e.Path)
	if err != nil {
		return ""
	}
	lines := strings.Split(string(text), "\n")
	if prisma.IsModelSchema(e.Path) {
		for i := min(e.Line, len(lines)) - 1; i >= 0; i-- {
			if m := prisma.ModelLine.FindStringSubmatch(lines[i]); m != nil {
				return m[1]
			}
		}
		return ""
	}
	// A decorator precedes its class; a field of the class with the table's name follows it.
	for _, i := range slices.Concat(countUp(e.Line-1, classLines), countDown(e.Line-2, classLines)) {
		if i < 0 || i >= len(lines) {
			continue
		}
		if m := declaredClass.FindStringSubmatch(lines[i]); m != nil {
			name := m[1] + m[2] + m[3]
			return name[strings.LastIndexByte(name, '.')+1:]
		}
	}
	return ""
}

func countUp(from, n int) (out []int) {
	for i := range n {
		out = append(out, from+i)
	}
	return out
}

func countDown(from, n int) (out []int) {
	for i := range n {
		out = append(out, from-i)
	}
	return out
}

// mayInsertMapped reports whether code may insert rows through one of some classes. It returns true if there is too
// much code to search.
func (s *SmallTables) mayInsertMapped(q question, skip func(string) bool, classes []string) bool {
	if s.hasDynamicModels() {
		return true
	}
	var words []string
	for _, class := range classes {
		words = append(words, modelWords(class)...)
		words = append(words, s.relationFields(class)...)
	}
	words = append(words, facts.TableWords(q.Name.Name)...)
	texts, ok := s.readTextsWith(words, skip)
	if !ok {
		return true
	}
	construction := newConstructionPattern(classes)
	holds := newModelHolderPattern(classes)
	for p, text := range texts {
		source := mentions.CutFile(p, text)
		if holds.Match(text) && mappedInsertWords.Match(text) || source.IsWordNear(words, mappedInsertWords, insertLines) {
			return true
		}
		for _, loc := range construction.FindAllIndex(text, -1) {
			if !beforeDeclared.Match(text[max(0, loc[0]-20):loc[0]]) {
				return true
			}
		}
	}
	return false
}

// readTextsWith returns the files of the code with one of some words; ok is false if there are too many, or one cannot be read.
func (s *SmallTables) readTextsWith(words []string, skip func(string) bool) (texts map[string][]byte, ok bool) {
	marks := newMarks(words)
	var paths []string
	for i, names := range s.code.ReadFiles().readIdentifiers() {
		f := &s.code.ReadFiles().files[i]
		if marks.isAnyIn(names) && (skip == nil || !skip(f.Path)) && !isSeedScript(f.Path) && !prisma.IsModelSchema(f.Path) {
			paths = append(paths, f.Path)
		}
	}
	if len(paths) > maxNear {
		return nil, false
	}
	texts, err := s.code.base.ReadAll(paths)
	return texts, err == nil
}

// isSeedScript reports whether a file inserts initial rows, and no request runs it.
func isSeedScript(p string) bool { return seedFolders.MatchString(p) }

// modelWords returns the names of a class, of a variable with one or many of its rows, and of what works on it.
func modelWords(class string) []string {
	low := strings.ToLower(class[:1]) + class[1:]
	words := []string{class, low, class + "s", low + "s"}
	words = append(words, facts.TableWords(snakeCase(class))...)
	for _, suffix := range handleSuffixes {
		words = append(words, class+suffix, low+suffix, snakeCase(class)+"_"+strings.ToLower(suffix))
	}
	return words
}

// snakeCase writes FullName as full_name.
func snakeCase(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 && !(name[i-1] >= 'A' && name[i-1] <= 'Z') {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// newConstructionPattern matches where a row of a class is made: Role(…), new Role(…), Role{…}.
func newConstructionPattern(classes []string) *lazyregexp.Regexp {
	return lazyregexp.New(`\b(?:` + joinQuoted(classes) + `)\s*[({]`)
}

// newModelHolderPattern matches what works on the rows of a class without its name: Repository<Role>, model = Role, var r Role.
func newModelHolderPattern(classes []string) *lazyregexp.Regexp {
	name := `(?:\w+\.)*(?:` + joinQuoted(classes) + `)\b`
	return lazyregexp.New(`(?i:repo|repository|store|dao|service|crud|model|manager|entity|table|mapper|base)\w*\s*[<\[(]\s*` + name +
		`|\b(?:model|queryset|entity|class_name|sqlalchemy_model)\s*[=:]\s*` + name + `|register\(\s*` + name + `|\bvar\s+\w+\s+\*?` + name)
}

func joinQuoted(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, regexp.QuoteMeta(n))
	}
	return strings.Join(out, "|")
}

// relationFields returns the fields of other models with rows of a class, as a schema of models declares them: through
// them, rows are made with the other model's.
func (s *SmallTables) relationFields(class string) (out []string) {
	field := lazyregexp.New(`(?m)^\s*(\w+)\s+` + regexp.QuoteMeta(class) + `(?:\[\])?\??(?:\s|$)`)
	for i := range s.code.ReadFiles().files {
		p := s.code.ReadFiles().files[i].Path
		if !prisma.IsModelSchema(p) {
			continue
		}
		text, err := s.code.base.Read(p)
		if err != nil {
			continue
		}
		for _, m := range field.FindAllSubmatch(text, -1) {
			if name := string(m[1]); name != "model" && name != "enum" && name != "type" {
				out = append(out, name)
			}
		}
	}
	return out
}

// hasDynamicModels reports whether code inserts through models that it finds at run time.
func (s *SmallTables) hasDynamicModels() bool {
	if s.dynamic == nil {
		texts, ok := s.readTextsWith(mentions.DynamicModelNames, nil)
		found := !ok
		for _, text := range texts {
			found = found || mentions.DynamicModels.Match(text) && mappedInsertWords.Match(text)
		}
		s.dynamic = &found
	}
	return *s.dynamic
}

// developmentSeeds matches the scripts that fill databases of developers: SQL in a folder of seeds, or in one for developers beside
// Flyway's migrations, or a program of seeds beside the schema or other scripts.
var developmentSeeds = lazyregexp.New(`(?i)(?:^|/)(?:db)?seed(?:s|ers?)?(?:[._-][\w-]+)?(?:/.*)?\.sql$|` +
	`/resources/db/(?:migration/)?(?:dev|local|test|integration)/.*\.sql$|` +
	`(?:^|/)(?:scripts?|db|database|prisma|drizzle|dev|tools|bin|hack)/(?:[\w.-]+/)*(?:db)?seed(?:s|ers?)?(?:[._-][\w-]+)?(?:/|\.\w+$)`)

// lowerSeedUses lowers a use that only scripts with rows for developers make: no request and no deploy runs them. It stays a
// warning, since a command of the project may.
func lowerSeedUses(uses []index.Use, out *analysis.Usage) {
	if out.Used && !slices.ContainsFunc(uses, func(e index.Use) bool { return !developmentSeeds.MatchString(e.Path) }) {
		out.Used, out.Sure, out.Named = false, false, true
	}
}

// findSeedScript returns a script of seeds that names the class of a table; "" for none.
func (s *SmallTables) findSeedScript(q question, uses []index.Use) string {
	classes, _ := s.mappedClasses(q, uses)
	var words []string
	for _, class := range classes {
		words = append(words, modelWords(class)...)
	}
	marks := newMarks(words)
	for i, names := range s.code.ReadFiles().readIdentifiers() {
		if f := &s.code.ReadFiles().files[i]; words != nil && isSeedScript(f.Path) && marks.isAnyIn(names) {
			return f.Path
		}
	}
	return ""
}

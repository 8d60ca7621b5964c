// Package dotnet reads the models that C# declares to Entity Framework, and enums.
package dotnet

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/inflect"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".cs"}, Signs: []string{
		"[Table(", "ToTable(", "DbSet<", "get; set;", "get; init;", "get; private set;", "get; protected set;",
	}, Read: readCSharpModels},
	{Endings: []string{".cs"}, Signs: []string{"enum "}, Read: source.ReadBlockEnums},
}

// C#: Entity Framework. Each query names all mapped properties, and so does each INSERT. A class has the table of its attribute, of
// ToTable, or of its DbSet; the snapshot beside the migrations says it exactly.
var (
	csTable  = lazyregexp.New(`^\[(?:\w+\.)*Table\(\s*(?:"|nameof\((?:\w+\.)*)([\w.]+)[")]`)
	csSchema = lazyregexp.New(`\bSchema\s*=\s*"(\w+)"`)
	csColumn = lazyregexp.New(`\[(?:\w+\.)*Column\(\s*"([\w.]+)"`)
	csClass  = lazyregexp.New(`^(?:(?:public|internal|private|protected|abstract|sealed|partial|static)\s+)*(?:class|record(?:\s+class)?)\s+(\w+)` +
		`(?:\s*<[^>]*>)?(?:\([^{]*\))?(?:\s*:\s*([\w.]+))?`)
	csField     = lazyregexp.New(`^public\s+(?:(?:required|virtual|override|new)\s+)*([\w.<>?\[\],]+)\s+(\w+)\s*\{\s*get`)
	csPart      = lazyregexp.New(`^(?:\[.*\]\s*)?[\w.<>?,\[\]]+\s+(\w+)(?:\s*=.*)?$`)
	csOpens     = lazyregexp.New(`^\[`)
	csTo        = lazyregexp.New(`\bToTable\((?:"|nameof\((?:\w+\.)*)([\w.]+)[")](?:\s*,\s*"(\w+)")?`)
	csOf        = lazyregexp.New(`\bEntity<(\w+)>|\bIEntityTypeConfiguration<(\w+)>`)
	csSet       = lazyregexp.New(`\bDbSet<(?:\w+\.)*(\w+)>\s+(\w+)\s*(?:\{|=>)`)
	csNamespace = lazyregexp.New(`^namespace\s+([\w.]+)`)
	csMany      = lazyregexp.New(`^(?:ICollection|IList|IEnumerable|HashSet|ISet|List|IReadOnlyCollection|IReadOnlyList|Collection)<[A-Z]`)
	csProperty  = lazyregexp.New(`\.Property\(\s*(?:\(?(\w+)\)?\s*=>\s*\w+\.(\w+)|"(\w+)")\s*\)`)
	csNamed     = lazyregexp.New(`\.HasColumnName\(\s*"(\w+)"`)
	csIgnored   = lazyregexp.New(`\.Ignore\(\s*(?:\w+\s*=>\s*\w+\.(\w+)|"(\w+)"|nameof\([\w.]*?(\w+)\))\s*\)`)
	csMigration = lazyregexp.New(`\[Migration\("`)
)

// csharpReader reads the classes of a file.
type csharpReader struct {
	r *source.File
	// space is the namespace. class is the current class, and in is its model if it has an attribute with its table.
	space     string
	class, in *facts.Model
	// column is the name in the attribute of a property; "-" if it is not mapped.
	column string
	// of is the model that calls configure, and property the last property that they name.
	of       *facts.Model
	property string
}

func readCSharpModels(r *source.File) {
	switch {
	case strings.HasSuffix(r.Path, facts.ModelSnapshot):
		readModelSnapshot(r)
		return
	case csMigration.Match(r.Text):
		return // the model as it was after a migration
	}
	x := &csharpReader{r: r}
	r.EachDeclaration(csOpens, func(n, _ int, line string) {
		if line == "" || source.IsComment(line) {
			return
		}
		if s := source.FirstGroup(csNamespace, line); s != "" {
			x.space = s
		}
		x.readConfiguration(n, line)
		switch {
		case csTable.MatchString(line):
			x.endClass()
			x.in = &facts.Model{Table: source.FirstGroup(csTable, line), Schema: source.FirstGroup(csSchema, line), Line: n}
		case csClass.MatchString(line):
			x.beginClass(n, line)
		case strings.Contains(line, "NotMapped"):
			x.column = "-"
		case x.class != nil:
			x.readProperty(n, line)
		}
	})
	x.endClass()
	x.endConfiguration()
}

// noEntities are ends of the names of classes that are no rows.
var noEntities = []string{
	"Dto", "DTO", "Request", "Response", "ViewModel", "Command", "Query", "Options", "Settings", "Config", "Controller", "Context", "Args",
}

func (x *csharpReader) beginClass(n int, line string) {
	if x.class != nil {
		x.endClass()
	}
	c := csClass.FindStringSubmatch(line)
	if x.in == nil {
		x.in = &facts.Model{Line: n, Base: true}
	}
	x.class, x.in = x.in, nil
	x.class.Class, x.class.Scope = c[1], x.space
	if base := c[2]; base != "" && !(len(base) > 1 && base[0] == 'I' && base[1] >= 'A' && base[1] <= 'Z') {
		x.class.Bases = []facts.Base{{Name: base[strings.LastIndexByte(base, '.')+1:]}}
	}
	if strings.Contains(line, "record") {
		for _, part := range source.SplitComponents(line) {
			if f := source.FirstGroup(csPart, part); f != "" {
				x.class.Fields = append(x.class.Fields, facts.Field{Field: f, Column: source.FirstGroup(csColumn, part), Line: n})
			}
		}
	}
}

// endClass records the class, if it may be an entity.
func (x *csharpReader) endClass() {
	c := x.class
	x.class = nil
	if x.in != nil && c == nil {
		c, x.in = x.in, nil
	}
	if c == nil || c.Base && len(c.Fields) == 0 {
		return
	}
	for _, end := range noEntities {
		if c.Base && strings.HasSuffix(c.Class, end) {
			return
		}
	}
	x.r.AddModel(c)
}

// readProperty reads a line of a class.
func (x *csharpReader) readProperty(n int, line string) {
	if c := source.FirstGroup(csColumn, line); c != "" {
		x.column = c
	}
	f := csField.FindStringSubmatch(line)
	if f == nil {
		return
	}
	readOnly := strings.Contains(line, "get;") && !strings.Contains(line, "set;") && !strings.Contains(line, "init;")
	if x.column != "-" && !readOnly && !csMany.MatchString(f[1]) {
		x.class.Fields = append(x.class.Fields, facts.Field{Field: f[2], Column: x.column, Line: n})
	}
	x.column = ""
}

// readConfiguration reads what calls say of a class: OnModelCreating, IEntityTypeConfiguration, DbSet.
func (x *csharpReader) readConfiguration(n int, line string) {
	if s := csSet.FindStringSubmatch(line); s != nil {
		x.addTable(s[1], s[2], n)
		if snake := inflect.Underscore(s[2]); snake != strings.ToLower(s[2]) {
			x.addTable(s[1], snake, n) // as a convention for names writes it
		}
	}
	if class := source.FirstGroup(csOf, line); class != "" && (x.of == nil || x.of.Class != class) {
		x.endConfiguration()
		x.of = &facts.Model{Class: class, Line: n, Bases: []facts.Base{{Name: class}}}
	}
	if x.of == nil {
		if m := csTo.FindStringSubmatch(line); m != nil {
			x.r.AddModel(&facts.Model{Table: m[1], Schema: m[2], Line: n})
		}
		return
	}
	if m := csTo.FindStringSubmatch(line); m != nil {
		x.of.Table, x.of.Schema, x.of.Line = m[1], m[2], n
	}
	if m := csProperty.FindStringSubmatch(line); m != nil {
		x.property = m[2] + m[3]
	}
	if column := source.FirstGroup(csNamed, line); column != "" && x.property != "" {
		x.of.Fields = append(x.of.Fields, facts.Field{Field: x.property, Column: column, Line: n})
		x.property = ""
	}
	for _, m := range csIgnored.FindAllStringSubmatch(line, -1) {
		for _, name := range []string{m[1] + m[2] + m[3], inflect.Underscore(m[1] + m[2] + m[3])} {
			x.of.Without = append(x.of.Without, facts.Place{Name: name, Line: n})
		}
	}
}

func (x *csharpReader) addTable(class, table string, n int) {
	x.r.AddModel(&facts.Model{Table: table, Class: class, Line: n, Bases: []facts.Base{{Name: class}}})
}

// endConfiguration records a class with the table that calls gave it.
func (x *csharpReader) endConfiguration() {
	if x.of != nil && x.of.Table != "" {
		x.r.AddModel(x.of)
	}
	x.of, x.property = nil, ""
}

// npgsql is in the snapshot of a model for Postgres. Annotations for Postgres are in those for other databases, too.
var npgsql = lazyregexp.New(`\bNpgsqlModelBuilderExtensions\b|\busing Npgsql\b`)

var (
	csDefault = lazyregexp.New(`\.HasDefaultSchema\("(\w+)"\)`)
	csEntity  = lazyregexp.New(`\.Entity\("([\w.+]+)(?:\s*\([^"]*\))?(?:<[^"]*)?", (\w+) =>`)
	csOwned   = lazyregexp.New(`\b(\w+)\.Owns(?:One|Many)\("([\w.+]+)(?:#[^"]*)?(?:<[^"]*)?", "(\w+)", (\w+) =>`)
	csMember  = lazyregexp.New(`^(\w+)\.(?:Property<(.+)>\("(\w+)"\)|` +
		`(ToTable|ToJson|ToView|HasBaseType|HasKey)\((?:"([^"]*)"|\(string\)null)?(?:, (?:"(\w+)"|\(string\)null))?)`)
	csContinue = lazyregexp.New(`^\.HasColumnName\("([^"]+)"\)`)
	csValue    = lazyregexp.New(`^(?:int|long|short|byte|bool|Guid|DateTime|DateTimeOffset|DateOnly|TimeOnly|TimeSpan|decimal|double|float|uint|ulong|ushort|char)$`)
)

// snapshotEntity is an entity of a snapshot.
type snapshotEntity struct {
	facts.Model
	base string
	// owner is the variable of the entity that owns it, by a property.
	owner            *snapshotEntity
	property, asJSON string
	key              string
}

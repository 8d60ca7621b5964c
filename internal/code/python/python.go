// Package python reads what Python declares to a mapper: SQLAlchemy, SQLModel, Django and Peewee.
package python

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".py"}, Signs: []string{
		"__tablename__", "table=True", "__table__", "models.Model", "Table(", "db_table", "table_name", "Mapped[", "Column(",
	}, Read: readPythonModels},
	{Endings: []string{".py"}, Read: readPythonEnums},
}

// Python: SQLAlchemy, SQLModel, peewee, and Django if its own models were not read by the
// renderer.
var (
	pyClass  = lazyregexp.New(`^class (\w+)(?:\[[^\]]*\])?\s*(?:\(([^)]*)|:)`)
	pyOpens  = lazyregexp.New(`^(?:class\s+\w+.*\(|@)`)
	pyTable  = lazyregexp.New(`^(?:__tablename__|db_table|table_name|__table_name__)\s*(?::\s*\w+\s*)?=\s*f?["']([\w."]+)["']`)
	pySchema = lazyregexp.New(`["']schema["']\s*:\s*["'](\w+)["']|\bschema=["'](\w+)["']`)
	pyField  = lazyregexp.New(`^(\w+)\s*(?::\s*([^=]+?))?\s*(?:=\s*(.*))?$`)
	pyColumn = lazyregexp.New(`\b(?:\w+\.)?(?:Column|mapped_column)\((?:\s*|[^"'()]*,\s*|[^()]*\([^()]*\),\s*)name\s*=\s*["'](\w+)["']|` +
		`\b(?:\w+\.)?(?:Column|mapped_column)\(\s*["'](\w+)["']|\bdb_column\s*=\s*["'](\w+)["']|\bcolumn_name\s*=\s*["'](\w+)["']`)
	pyMapped  = lazyregexp.New(`\b(?:Column|mapped_column|deferred|column_property)\(|\b\w*Field\(|\bForeignKey\w*\(|^Mapped\[|\.Mapped\[|\bField\(`)
	pyRelated = lazyregexp.New(`\b(?:relationship|association_proxy|backref|ManyToManyField|GenericRelation|Relationship|property|validates|declared_attr|hybrid_property)\(`)
	pyCore    = lazyregexp.New(`\bTable\(\s*$|\bTable\(\s*["']([\w.]+)["']`)
	pyTarget  = lazyregexp.New(`^["']([\w.]+)["'],`)
	pyGoesOn  = lazyregexp.New(`^\w+\s*(?::[^=]+)?=\s*(?:\\|.*[(\[{,])$|^(?:\w+\.)?Column\(`)
	pyBroken  = lazyregexp.New(`^\w+\s*(?::[^=]+)?=\s*\($`)
	pyParts   = lazyregexp.New(`=\s*(?:\w+\.)?composite\(`)
	pyNames   = lazyregexp.New(`^def __tablename__\b`)
	pyMethod  = lazyregexp.New(`^def (\w+)\(cls\)(?:\s*->\s*(Mapped\[|Column\b))?`)
	pyReturns = lazyregexp.New(`^return\s+(?:\w+\.)?(?:Column|mapped_column)\(`)
	pyLoaded  = lazyregexp.New(`\bautoload(?:_with)?\s*=|\bDeferredReflection\b|\bautomap_base\b`)
)

func readPythonModels(r *source.File) {
	p := &pythonReader{r: r, all: pyLoaded.Match(r.Text)}
	r.EachDeclaration(pyOpens, func(n, indent int, line string) {
		if line == "" || source.IsComment(line) {
			return
		}
		if p.held != "" {
			if line, n, indent = p.continueHeld(indent, line); line == "" {
				return
			}
		} else if p.holdOpenLine(n, indent, line) {
			return
		}
		p.readPythonLine(n, indent, line)
	})
	if p.held != "" {
		p.readPythonLine(p.at, p.heldIndent, p.held)
	}
	p.endClass()
}

// readPythonLine reads a line, or a call over several lines.
func (p *pythonReader) readPythonLine(n, indent int, line string) {
	if p.core != nil {
		p.readCoreLine(n, line)
		return
	}
	if c := pyClass.FindStringSubmatch(line); c != nil {
		p.beginClass(n, indent, c[1], c[2])
		return
	}
	if indent == 0 {
		p.endClass()
	}
	switch {
	case pyCore.MatchString(line) && strings.Contains(line, "Table(") && !strings.Contains(line, "__table_args__") && !strings.HasPrefix(line, "def "):
		p.beginCoreTable(n, line)
	case p.in != nil:
		p.readField(n, indent, line)
	}
}

// pythonReader reads classes, and tables of SQLAlchemy's core: Table("users", …).
type pythonReader struct {
	r *source.File
	// all is set if the program reads the columns from the server when it starts.
	all bool

	in    *facts.Model
	bases string // of the class
	table bool   // the class says that it is a table
	level int    // the indentation of the class

	// held is a line that the next one continues, at its number.
	held             string
	at               int
	heldIndent, open int
	// method is the declared_attr that the next line may end.
	method string

	core  *facts.Model
	waits bool // for the name of the table, in the next line
	depth int  // of its parentheses
}

// holdOpenLine keeps a line whose brackets the next lines close, in a class or in a table.
func (p *pythonReader) holdOpenLine(n, indent int, line string) bool {
	if p.in == nil && p.core == nil || !pyGoesOn.MatchString(line) || p.core == nil && pyCore.MatchString(line) {
		return false
	}
	depth := pythonDepth(line)
	if depth <= 0 && !strings.HasSuffix(line, "\\") {
		return false
	}
	p.held, p.at, p.heldIndent, p.open = strings.TrimSuffix(line, "\\"), n, indent, depth
	if pyBroken.MatchString(line) {
		p.held = strings.TrimSuffix(line, "(")
	}
	return true
}

// continueHeld adds a line to the held one, and returns the whole after its last line; "" before.
func (p *pythonReader) continueHeld(indent int, line string) (whole string, number, level int) {
	p.open += pythonDepth(line)
	p.held += " " + line
	if p.open > 0 && len(p.held) < source.MaxDeclared && (indent > p.heldIndent || strings.IndexByte(")]}", line[0]) >= 0) {
		return "", 0, 0
	}
	whole, p.held = p.held, ""
	return whole, p.at, p.heldIndent
}

// pythonDepth returns how many brackets a line leaves open.
func pythonDepth(line string) int {
	if n := strings.Index(line, " #"); n >= 0 && strings.Count(line[:n], `"`)%2 == 0 && strings.Count(line[:n], "'")%2 == 0 {
		line = line[:n]
	}
	return source.BracketDepth(line)
}

func (p *pythonReader) beginClass(n, indent int, name, bases string) {
	if indent > 0 && p.in != nil {
		return // such as Meta
	}
	p.endClass()
	p.bases, p.in, p.level = bases, &facts.Model{Class: name, Line: n}, indent
	for base := range strings.SplitSeq(bases, ",") {
		if base = strings.TrimSpace(base[strings.LastIndexByte(base, '.')+1:]); base != "" && base != "Model" {
			p.in.Bases = append(p.in.Bases, facts.Base{Name: base})
		}
	}
	p.table = strings.Contains(bases, "table=True")
	p.all = p.all || strings.Contains(bases, "DeferredReflection")
}

// endClass adds the class, if it is a model.
func (p *pythonReader) endClass() {
	if p.in != nil && (p.in.Table != "" || p.table || strings.Contains(p.bases, "models.Model") || strings.Contains(p.bases, "Model") && len(p.in.Fields) > 0) {
		p.in.Guessed = p.in.Table == "" && !p.table && !strings.Contains(p.bases, "models.Model")
		p.r.AddModel(p.in)
	} else if p.in != nil && (len(p.in.Fields) > 0 || p.in.Names) {
		p.in.Base = true // a mixin, or a class with the table of another
		p.r.AddModel(p.in)
	}
	p.in, p.table, p.method = nil, false, ""
}

func (p *pythonReader) beginCoreTable(n int, line string) {
	p.core = &facts.Model{Table: source.FirstGroup(pyCore, line), Line: n}
	p.waits, p.depth = p.core.Table == "", 0
	p.addCoreColumns(n, line)
	p.endCoreTable(line)
}

// addCoreColumns adds the columns in a line of a table, and its schema.
func (p *pythonReader) addCoreColumns(n int, line string) {
	for _, m := range pyColumn.FindAllStringSubmatch(line, -1) {
		if c := m[1] + m[2]; c != "" {
			p.core.Fields = append(p.core.Fields, facts.Field{Field: c, Column: c, Line: n})
		}
	}
	if !strings.Contains(line, "Enum(") { // whose type has a schema, too
		p.core.Schema = cmp.Or(p.core.Schema, source.FirstGroup(pySchema, line))
	}
}

func (p *pythonReader) readCoreLine(n int, line string) {
	if t := source.FirstGroup(pyTarget, line); p.waits && t != "" {
		p.core.Table, p.waits = t, false
	}
	p.addCoreColumns(n, line)
	p.endCoreTable(line)
}

// endCoreTable adds the table at its last parenthesis.
func (p *pythonReader) endCoreTable(line string) {
	if p.depth += pythonDepth(line); p.depth <= 0 {
		p.core.All = p.all && len(p.core.Fields) == 0
		p.r.AddModel(p.core)
		p.core = nil
	}
}

// readField reads a line of a class.
func (p *pythonReader) readField(n, indent int, line string) {
	if t := source.FirstGroup(pyTable, line); t != "" {
		p.in.Table = strings.ReplaceAll(strings.Trim(t, `"`), `"."`, ".")
		p.in.All = p.all
		return
	}
	if s := source.FirstGroup(pySchema, line); s != "" && (strings.Contains(line, "__table_args__") || strings.HasPrefix(line, "{") ||
		strings.HasPrefix(line, "\"schema") || strings.HasPrefix(line, "'schema")) {
		p.in.Schema = s
		return
	}
	if pyNames.MatchString(line) {
		p.in.Names = true
		return
	}
	if p.readMethod(n, line) {
		return
	}
	f := pyField.FindStringSubmatch(line)
	if f == nil || pyRelated.MatchString(line) || strings.HasPrefix(f[1], "__") {
		return
	}
	if pyParts.MatchString(line) {
		for _, m := range pyColumn.FindAllStringSubmatch(line, -1) {
			p.in.Fields = append(p.in.Fields, facts.Field{Field: m[1] + m[2], Column: m[1] + m[2], Line: n})
		}
		return
	}
	if pyMapped.MatchString(f[2]) || pyMapped.MatchString(f[3]) || p.table && f[2] != "" && indent <= p.level+4 && !strings.Contains(f[2], "ClassVar") {
		p.in.Fields = append(p.in.Fields, facts.Field{Field: f[1], Column: source.FirstGroup(pyColumn, line), Line: n, Default: pythonDefaults.Find(f[3])})
		if strings.Contains(f[3], "ForeignKey(") && !strings.Contains(f[3], "Column(") && !strings.Contains(f[3], "mapped_column(") ||
			strings.Contains(f[3], "OneToOneField(") {
			p.in.Fields[len(p.in.Fields)-1].Field = f[1] + "_id" // Django's
		}
	}
}

// readMethod reads a method that declares a column: its name is the column's.
func (p *pythonReader) readMethod(n int, line string) bool {
	if m := pyMethod.FindStringSubmatch(line); m != nil {
		if p.method = m[1]; m[2] != "" {
			p.in.Fields = append(p.in.Fields, facts.Field{Field: m[1], Line: n})
			p.method = ""
		}
		return true
	}
	if p.method != "" && pyReturns.MatchString(line) {
		p.in.Fields = append(p.in.Fields, facts.Field{Field: p.method, Column: source.FirstGroup(pyColumn, line), Line: n})
		p.method = ""
		return true
	}
	return false
}

// pythonDefaults say who has the default of a column.
var pythonDefaults = source.DefaultSigns{
	Server: lazyregexp.New(`\b(?:server_default|db_default)\s*=|\bIdentity\(|\bComputed\(`),
	Model:  lazyregexp.New(`\b(?:default|default_factory|insert_default)\s*=\s*([\w"'(\[{-])`),
}

var (
	pyEnum  = lazyregexp.New(`^class\s+(\w+)\([^)\n]*(?:Enum|Choices)\b[^)\n]*\):[^\n]*\n`)
	pyLabel = lazyregexp.New(`^\s+(\w+)\s*=\s*(?:\(\s*)?(?:["']([^"'\n]*)["']|(?:enum\.)?auto\(\))`)
	pyNamed = lazyregexp.New(`^(?i:enum)\(((?:\s*["'][^"'\n]*["']\s*,)+)[^()]*\bname\s*=\s*["'](\w+)["']`)
)

// readPythonEnums reads Enum, StrEnum and Django's TextChoices, and SQLAlchemy's enums.
func readPythonEnums(r *source.File) {
	r.EachMatch("class ", pyEnum, func(offset int, m []int) {
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}
		outer := offset - 1 - bytes.LastIndexByte(r.Text[:offset], '\n')
		for offset := m[1]; offset < len(r.Text); {
			line := r.Text[offset : offset+lexer.LineEnd(r.Text[offset:])]
			body := bytes.TrimLeft(line, " \t")
			if len(body) > 0 && len(line)-len(body) <= outer {
				break
			}
			if l := pyLabel.FindSubmatch(line); l != nil {
				e.Labels = append(e.Labels, r.MakeLabel(string(l[1]), string(l[2]), offset))
			}
			offset += len(line) + 1
		}
		r.AddEnum(e)
	})
	readEnumCall := func(offset int, m []int) {
		e := facts.Enum{Class: r.GroupText(m, 2), Line: r.LineAt(offset)}
		r.AddTexts(&e, m[2], m[3])
		r.AddEnum(e)
	}
	r.EachMatch("Enum(", pyNamed, readEnumCall)
	r.EachMatch("ENUM(", pyNamed, readEnumCall)
}

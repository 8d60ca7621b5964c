package javascript

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// JavaScript and TypeScript: TypeORM, MikroORM, Drizzle, Sequelize, Objection.
var (
	tsEntity   = lazyregexp.New(`^@(?:Entity|Table|ViewEntity)\(\s*(?:["'` + "`" + `]([\w.]+)["'` + "`" + `])?`)
	tsNamed    = lazyregexp.New(`\b(?:tableName|name)\s*:\s*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsSchema   = lazyregexp.New(`\bschema\s*:\s*["'` + "`" + `](\w+)["'` + "`" + `]`)
	tsClass    = lazyregexp.New(`^(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\s+(\w+)`)
	tsExtends  = lazyregexp.New(`\bextends\s+(?:\w+\.)*(\w+)\s*(?:<.*>\s*)?(?:implements\s.*)?(?:\{|$)`)
	tsColumn   = lazyregexp.New(`^@(?:\w*Column|Property|PrimaryKey|JoinColumn|Enum|Attribute|(?:Created|Updated|Deleted)At)\b`)
	tsOpens    = lazyregexp.New(`^@\w`)
	tsRelation = lazyregexp.New(`^@(?:ManyToOne|OneToOne)\b`)
	tsOther    = lazyregexp.New(`^@(?:OneToMany|ManyToMany|OneToOne|ManyToOne|HasMany|BelongsTo|HasOne|RelationId)\b`)
	tsArgument = lazyregexp.New(`^@\w+\(\s*["'](\w+)["']\s*[,)]`)
	tsField    = lazyregexp.New(`^(?:(?:public|private|protected|readonly|declare)\s+)*(\w+)[!?]?\s*(?::|=)`)
	tsTable    = lazyregexp.New(`\b(?:pgTable|\w*[tT]able|\w+\.table)\(\s*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsKey      = lazyregexp.New(`^(\w+)\s*:\s*\w+[\w.]*\(\s*(?:["'` + "`" + `](\w+)["'` + "`" + `])?`)
	// A formatter may put the name into the next line, and the braces into the line after
	// it.
	tsOpened   = lazyregexp.New(`\b(?:pgTable|\w*[tT]able|\w+\.table)\(\s*$`)
	tsText     = lazyregexp.New(`^["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsStatic   = lazyregexp.New(`\bstatic\s+(?:get\s+|readonly\s+)?tableName\b[^"'` + "`" + `]*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsColumnOf = lazyregexp.New(`\b(?:fieldName|field|joinColumn)\s*:\s*["'` + "`" + `](\w+)["'` + "`" + `]`)
	tsGetter   = lazyregexp.New(`^(?:get|set)\s+(\w+)\s*\(`)
	tsPart     = lazyregexp.New(`^@(?:Column|Embedded)\(\s*(?:type\s*=>|\(\w*\)\s*=>|\{\s*entity:\s*\(\)\s*=>)\s*(\w+)`)
	tsPrefix   = lazyregexp.New(`\bprefix\s*:\s*(?:(false)|["'](\w*)["'])`)
	tsChild    = lazyregexp.New(`^@ChildEntity\b`)
	tsSchemaOf = lazyregexp.New(`\b(\w+)\s*=\s*pgSchema\(\s*["'` + "`" + `](\w+)["'` + "`" + `]`)
	tsInSchema = lazyregexp.New(`\b(\w+)\.table\(`)
)

func readScriptModels(r *source.File) {
	objects := &scriptObjects{r: r, drizzle: strings.Contains(string(r.Text), "drizzle-orm")}
	entities := &scriptEntities{r: r}
	r.EachDeclaration(tsOpens, func(n, indent int, line string) {
		if line == "" || source.IsComment(line) || objects.continueObject(n, line) || entities.readLine(n, indent, line) || objects.beginObject(n, line) {
			return
		}
		if tsStatic.MatchString(line) && !strings.Contains(line, "knex") {
			r.AddModel(&facts.Model{Table: source.FirstGroup(tsStatic, line), Line: n})
		}
	})
	entities.endClass()
	readSequelizeModels(r)
}

// package javascript reads tables that are objects: pgTable("users", {...}) of Drizzle.
type scriptObjects struct {
	r       *source.File
	drizzle bool
	waits   bool // for the name of a table, in the next line
	named   map[string]string
	in      *facts.Model
	depth   int
}

// beginObject reports whether a line begins such an object.
func (o *scriptObjects) beginObject(n int, line string) bool {
	switch {
	case o.drizzle && tsOpened.MatchString(line):
		o.waits = true
	case o.drizzle && tsTable.MatchString(line):
		o.in = &facts.Model{Table: source.FirstGroup(tsTable, line), Schema: o.schemaByVariable()[source.FirstGroup(tsInSchema, line)], Line: n}
		o.depth = strings.Count(line, "{") - strings.Count(line, "}")
		if o.depth <= 0 && !strings.HasSuffix(line, ",") {
			o.readInlineTable(n, line)
			o.endObject()
		}
	default:
		return false
	}
	return true
}

// continueObject reports whether a line continues the current object.
func (o *scriptObjects) continueObject(n int, line string) bool {
	if o.waits {
		o.waits = false
		if table := source.FirstGroup(tsText, line); table != "" {
			o.in, o.depth = &facts.Model{Table: table, Line: n}, strings.Count(line, "{")
			return true
		}
	}
	if o.in == nil {
		return false
	}
	if o.depth == 0 && strings.HasSuffix(line, "{") {
		o.depth = 1 // the braces of the columns
		return true
	}
	o.readField(n, line)
	if o.depth += strings.Count(line, "{") - strings.Count(line, "}"); o.depth <= 0 {
		if t := source.FirstGroup(tsStatic, line); t != "" {
			o.in.Table = t
		}
		o.endObject()
	}
	return true
}

// readField reads a line between the braces.
func (o *scriptObjects) readField(n int, line string) {
	var last *facts.Field
	if len(o.in.Fields) > 0 {
		last = &o.in.Fields[len(o.in.Fields)-1]
	}
	if o.depth != 1 {
		return
	}
	if k := tsKey.FindStringSubmatch(line); k != nil {
		o.in.Fields = append(o.in.Fields, facts.Field{Field: k[1], Column: k[2], Line: n, Default: drizzleDefaults.Find(line)})
	} else if c := source.FirstGroup(tsText, line); c != "" && last != nil && last.Column == "" {
		last.Column = c // of a call that continues
	}
}

// readInlineTable reads a table whose columns are in the line that begins it.
func (o *scriptObjects) readInlineTable(n int, line string) {
	open := strings.IndexByte(line, '{')
	if open < 0 {
		return
	}
	text := &source.File{Text: []byte(line)}
	list, _, _ := text.ReadObject(open)
	for _, p := range list {
		if k := tsKey.FindStringSubmatch(line[p.At:p.To]); k != nil {
			o.in.Fields = append(o.in.Fields, facts.Field{Field: k[1], Column: k[2], Line: n, Default: drizzleDefaults.Find(line[p.At:p.To])})
		}
	}
}

// schemaByVariable returns the names of the schemas that the file declares, by their variables.
func (o *scriptObjects) schemaByVariable() map[string]string {
	if o.named == nil {
		o.named = map[string]string{}
		for _, m := range tsSchemaOf.FindAllSubmatch(o.r.Text, -1) {
			o.named[string(m[1])] = string(m[2])
		}
	}
	return o.named
}

func (o *scriptObjects) endObject() {
	o.r.AddModel(o.in)
	o.in = nil
}

// scriptEntities reads classes with decorators: TypeORM, MikroORM. A class with decorators
// only on its columns is a base of others.
type scriptEntities struct {
	r  *source.File
	in *facts.Model
	// pending is set after a decorator of a column, before its field. column is the name in
	// the decorator.
	pending bool
	column  string
	// byDefault is what the decorators say of a default.
	byDefault facts.Default
	// related is set after a decorator of a relation: its column has the field's name and "Id".
	related bool
	// leaves is set if the field is no column, and part is the class whose columns it has, with a prefix if own is not set.
	leaves, own  bool
	part, prefix string
	// child is set after the decorator of a class with the table of the class that it extends.
	child bool
}

// readLine reports whether a line belongs to a class, or to the decorators before it.
func (e *scriptEntities) readLine(n, indent int, line string) bool {
	switch {
	case tsChild.MatchString(line):
		e.endClass()
		e.child = true
	case tsEntity.MatchString(line):
		e.endClass()
		e.in = &facts.Model{Table: source.FirstGroup(tsEntity, line), Line: n, Schema: source.FirstGroup(tsSchema, line)}
		if e.in.Table == "" {
			e.in.Table = source.FirstGroup(tsNamed, line)
		}
		e.pending = false
	case indent == 0 && (e.in == nil || e.in.Class != "") && tsClass.MatchString(line) && !strings.HasSuffix(line, "}"):
		e.endClass()
		e.in, e.pending = &facts.Model{Line: n, Base: true, Derived: e.child}, false
		e.child = false
		e.readClassHead(line)
		return false
	case e.in == nil:
		return false
	case e.in.Class == "":
		if tsClass.MatchString(line) {
			e.readClassHead(line)
		} else if t := source.FirstGroup(tsNamed, line); t != "" && e.in.Table == "" {
			e.in.Table = t
		}
	case indent == 0 && strings.HasPrefix(line, "}"):
		e.endClass()
	case tsColumn.MatchString(line):
		e.readDecorator(line)
	case tsOther.MatchString(line):
		e.related = tsRelation.MatchString(line)
		if c := source.FirstGroup(tsColumnOf, line); c != "" && e.related {
			e.column, e.pending = c, true
		}
		e.pending = e.pending || strings.HasPrefix(line, "@ManyToOne")
	case e.pending:
		e.readField(n, line)
	default:
		return false
	}
	return true
}

// readClassHead reads the head of a class.
func (e *scriptEntities) readClassHead(line string) {
	e.in.Class = source.FirstGroup(tsClass, line)
	if base := source.FirstGroup(tsExtends, line); base != "" {
		e.in.Bases = []facts.Base{{Name: base}}
	}
}

// readDecorator reads a decorator of a column.
func (e *scriptEntities) readDecorator(line string) {
	e.pending = true
	e.byDefault = max(e.byDefault, entityDefaults.Find(line))
	e.related = e.related && strings.HasPrefix(line, "@Join")
	e.leaves = e.leaves || strings.Contains(line, "persist: false") || sqVirtual.MatchString(line)
	if e.part = source.FirstGroup(tsPart, line); e.part != "" {
		m := tsPrefix.FindStringSubmatch(line)
		e.own = m != nil
		if m != nil {
			e.prefix = m[2]
		}
	}
	if c := cmp.Or(source.FirstGroup(tsColumnOf, line), source.FirstGroup(tsNamed, line)); c != "" {
		e.column = c
	}
	if !strings.Contains(line, "name:") && !strings.HasPrefix(line, "@Join") {
		if c := source.FirstGroup(tsArgument, line); c != "" && !columnTypes[c] {
			e.column = c
		}
	}
}

// readField reads the line after the decorators of a column.
func (e *scriptEntities) readField(n int, line string) {
	if f := source.FirstGroup(tsGetter, line); f != "" {
		e.addColumn(f, n)
		return
	}
	if f := source.FirstGroup(tsField, line); f != "" && !strings.HasSuffix(line, ",") {
		if e.related {
			f += "Id"
		}
		e.addColumn(f, n)
	}
}

func (e *scriptEntities) addColumn(field string, n int) {
	switch {
	case e.leaves:
	case e.part != "" && e.own:
		e.in.Bases = append(e.in.Bases, facts.Base{Name: e.part, Prefix: e.prefix})
	case e.part != "":
		e.in.Bases = append(e.in.Bases, facts.Base{Name: e.part, Prefix: field})
		if snake := strings.ToLower(upperLetter.ReplaceAllString(field, "_$0")); snake != field {
			e.in.Bases = append(e.in.Bases, facts.Base{Name: e.part, Prefix: snake})
		}
	default:
		e.in.Fields = append(e.in.Fields, facts.Field{Field: field, Column: e.column, Line: n, Default: e.byDefault})
	}
	e.pending, e.related, e.column, e.byDefault = false, false, "", facts.DefaultUnknown
	e.leaves, e.own, e.part, e.prefix = false, false, "", ""
}

var upperLetter = lazyregexp.New(`[A-Z]`)

func (e *scriptEntities) endClass() {
	if e.in != nil && e.in.Class != "" && (!e.in.Base || len(e.in.Fields) > 0) {
		e.r.AddModel(e.in)
	}
	e.in = nil
}

// columnTypes are the types in the first argument of @Column, which otherwise is a name.
var columnTypes = map[string]bool{
	"text": true, "varchar": true, "int": true, "integer": true, "bigint": true, "smallint": true, "uuid": true, "json": true, "jsonb": true, "timestamp": true, "timestamptz": true,
	"boolean": true, "bool": true, "numeric": true, "decimal": true, "float": true, "double": true, "date": true, "time": true, "bytea": true, "enum": true, "simple-array": true,
	"character": true, "citext": true, "interval": true, "increment": true, "rowid": true, "identity": true, "real": true, "char": true,
}

// entityDefaults say who has the default of a column.
var entityDefaults = source.DefaultSigns{
	Server: lazyregexp.New(`^@(?:CreateDateColumn|UpdateDateColumn|PrimaryGeneratedColumn)\b|\bdefault(?:Raw)?\s*:`),
	Model:  lazyregexp.New(`^@(?:CreatedAt|UpdatedAt|Default)\b|\b(?:onCreate|defaultValue)\s*:`),
}

// drizzleDefaults say who has the default of a column.
var drizzleDefaults = source.DefaultSigns{
	Server: lazyregexp.New(`\.(?:default|defaultNow|defaultRandom|generatedAlways\w*|generatedByDefault\w*)\(`),
	Model:  lazyregexp.New(`\.\$(?:default|defaultFn|onUpdate|onUpdateFn)\(`),
}

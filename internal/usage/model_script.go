package usage

import (
	"regexp"
	"strings"
)

// JavaScript and TypeScript: TypeORM, MikroORM, Drizzle, Sequelize, Objection.
var (
	tsEntity   = regexp.MustCompile(`^@(?:Entity|Table|ViewEntity)\(\s*(?:["'` + "`" + `]([\w.]+)["'` + "`" + `])?`)
	tsNamed    = regexp.MustCompile(`\b(?:tableName|name)\s*:\s*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsSchema   = regexp.MustCompile(`\bschema\s*:\s*["'` + "`" + `](\w+)["'` + "`" + `]`)
	tsClass    = regexp.MustCompile(`^(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\s+(\w+)`)
	tsExtends  = regexp.MustCompile(`\bextends\s+(?:\w+\.)*(\w+)\s*(?:<.*>\s*)?(?:implements\s.*)?(?:\{|$)`)
	tsColumn   = regexp.MustCompile(`^@(?:\w*Column|Property|PrimaryKey|JoinColumn|Enum|Attribute)\b`)
	tsOther    = regexp.MustCompile(`^@(?:OneToMany|ManyToMany|OneToOne|ManyToOne|HasMany|BelongsTo|HasOne|RelationId)\b`)
	tsArgument = regexp.MustCompile(`^@\w+\(\s*["'](\w+)["']\s*[,)]`)
	tsField    = regexp.MustCompile(`^(?:(?:public|private|protected|readonly|declare)\s+)*(\w+)[!?]?\s*(?::|=)`)
	tsTable    = regexp.MustCompile(`\b(?:pgTable|\w*[tT]able|\w+\.table)\(\s*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsKey      = regexp.MustCompile(`^(\w+)\s*:\s*\w+[\w.]*\(\s*(?:["'` + "`" + `](\w+)["'` + "`" + `])?`)
	// A formatter may put the name into the next line, and the braces into one behind it.
	tsOpened   = regexp.MustCompile(`\b(?:pgTable|\w*[tT]able|\w+\.table)\(\s*$`)
	tsText     = regexp.MustCompile(`^["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsDefine   = regexp.MustCompile(`\.define\(\s*["'` + "`" + `](\w+)["'` + "`" + `]\s*,\s*\{`)
	tsStatic   = regexp.MustCompile(`\bstatic\s+(?:get\s+|readonly\s+)?tableName\b[^"'` + "`" + `]*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsPlainKey = regexp.MustCompile(`^(\w+)\s*:\s*(?:\{|DataTypes\.)`)
	tsFieldOf  = regexp.MustCompile(`\bfield\s*:\s*["'` + "`" + `](\w+)["'` + "`" + `]`)
)

func scriptModels(r *reader) {
	objects := &scriptObjects{r: r, drizzle: strings.Contains(string(r.text), "drizzle-orm")}
	entities := &scriptEntities{r: r}
	r.lines(func(n, indent int, line string) {
		line = r.spellTable(line)
		if line == "" || noted(line) || objects.goesOn(n, line) || entities.line(n, indent, line) || objects.begins(n, line) {
			return
		}
		if tsStatic.MatchString(line) && !strings.Contains(line, "knex") {
			r.add(&Model{Table: first(tsStatic, line), Line: n})
		}
	})
	entities.end()
}

// scriptObjects reads tables that are objects: pgTable("users", {...}) of Drizzle,
// define("user", {...}) of Sequelize.
type scriptObjects struct {
	r       *reader
	drizzle bool
	waits   bool // for the name of a table, in the next line
	in      *Model
	depth   int
}

// begins reports whether a line begins such an object.
func (o *scriptObjects) begins(n int, line string) bool {
	switch {
	case o.drizzle && tsOpened.MatchString(line):
		o.waits = true
	case o.drizzle && tsTable.MatchString(line), tsDefine.MatchString(line):
		o.in = &Model{Table: first(tsTable, line), Line: n}
		if o.in.Table == "" {
			o.in.Class = first(tsDefine, line)
		}
		o.depth = strings.Count(line, "{") - strings.Count(line, "}")
		if o.depth <= 0 && !strings.HasSuffix(line, ",") {
			o.end()
		}
	default:
		return false
	}
	return true
}

// goesOn reports whether a line is part of the object that has begun.
func (o *scriptObjects) goesOn(n int, line string) bool {
	if o.waits {
		o.waits = false
		if table := first(tsText, line); table != "" {
			o.in, o.depth = &Model{Table: table, Line: n}, strings.Count(line, "{")
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
	o.field(n, line)
	if o.depth += strings.Count(line, "{") - strings.Count(line, "}"); o.depth <= 0 {
		if t := first(tsStatic, line); t != "" {
			o.in.Table = t
		}
		o.end()
	}
	return true
}

// field reads a line between the braces.
func (o *scriptObjects) field(n int, line string) {
	var last *Field
	if len(o.in.Fields) > 0 {
		last = &o.in.Fields[len(o.in.Fields)-1]
	}
	if o.depth != 1 {
		if f := first(tsFieldOf, line); f != "" && last != nil {
			last.Column = f
		}
		return
	}
	if !o.drizzle {
		if k := first(tsPlainKey, line); k != "" {
			o.in.Fields = append(o.in.Fields, Field{Field: k, Line: n, Column: first(tsFieldOf, line)})
		}
		return
	}
	if k := tsKey.FindStringSubmatch(line); k != nil {
		o.in.Fields = append(o.in.Fields, Field{Field: k[1], Column: k[2], Line: n})
	} else if c := first(tsText, line); c != "" && last != nil && last.Column == "" {
		last.Column = c // of a call that goes on
	}
}

func (o *scriptObjects) end() {
	o.r.add(o.in)
	o.in = nil
}

// scriptEntities reads classes with decorators: TypeORM, MikroORM. One that only its columns
// have is a base of others.
type scriptEntities struct {
	r  *reader
	in *Model
	// pending: a decorator of a column was read, whose field comes; column is the name
	// that it gives.
	pending bool
	column  string
}

// line reports whether a line is part of a class, or of what stands before it.
func (e *scriptEntities) line(n, indent int, line string) bool {
	switch {
	case tsEntity.MatchString(line):
		e.end()
		e.in = &Model{Table: first(tsEntity, line), Line: n, Schema: first(tsSchema, line)}
		if e.in.Table == "" {
			e.in.Table = first(tsNamed, line)
		}
		e.pending = false
	case indent == 0 && (e.in == nil || e.in.Class != "") && tsClass.MatchString(line) && !strings.HasSuffix(line, "}"):
		e.end()
		e.in, e.pending = &Model{Line: n, Base: true}, false
		e.class(line)
		return false
	case e.in == nil:
		return false
	case e.in.Class == "":
		if tsClass.MatchString(line) {
			e.class(line)
		} else if t := first(tsNamed, line); t != "" && e.in.Table == "" {
			e.in.Table = t
		}
	case indent == 0 && strings.HasPrefix(line, "}"):
		e.end()
	case tsColumn.MatchString(line):
		e.decorator(n, line)
	case tsOther.MatchString(line):
	case e.pending:
		e.field(n, indent, line)
	default:
		return false
	}
	return true
}

// class reads the head of a class.
func (e *scriptEntities) class(line string) {
	e.in.Class = first(tsClass, line)
	if base := first(tsExtends, line); base != "" {
		e.in.Bases = []Base{{Name: base}}
	}
}

// decorator reads what a decorator says of a column.
func (e *scriptEntities) decorator(n int, line string) {
	e.pending = true
	if c := first(tsNamed, line); c != "" {
		e.column = c
	}
	if !strings.Contains(line, "name:") && !strings.HasPrefix(line, "@Join") {
		if c := first(tsArgument, line); c != "" && !columnTypes[c] {
			e.column = c
		}
	}
	if _, after, ok := strings.Cut(line, ") "); ok && tsField.MatchString(after) {
		e.add(first(tsField, after), n)
	}
}

// field reads what stands behind a decorator: more of it, or its field.
func (e *scriptEntities) field(n, indent int, line string) {
	if c := first(tsNamed, line); c != "" && !tsField.MatchString(strings.TrimPrefix(line, "name")) {
		e.column = c
		return
	}
	if strings.HasPrefix(line, "name:") {
		e.column = first(tsNamed, line)
		return
	}
	if f := first(tsField, line); f != "" && indent <= 4 && !strings.HasSuffix(line, "{") && !strings.HasSuffix(line, ",") {
		e.add(f, n)
	}
}

func (e *scriptEntities) add(field string, n int) {
	e.in.Fields = append(e.in.Fields, Field{Field: field, Column: e.column, Line: n})
	e.pending, e.column = false, ""
}

func (e *scriptEntities) end() {
	if e.in != nil && e.in.Class != "" && (!e.in.Base || len(e.in.Fields) > 0) {
		e.r.add(e.in)
	}
	e.in = nil
}

// columnTypes are what the first argument of @Column is, if not a name.
var columnTypes = map[string]bool{
	"text": true, "varchar": true, "int": true, "integer": true, "bigint": true, "smallint": true, "uuid": true, "json": true, "jsonb": true, "timestamp": true, "timestamptz": true,
	"boolean": true, "bool": true, "numeric": true, "decimal": true, "float": true, "double": true, "date": true, "time": true, "bytea": true, "enum": true, "simple-array": true,
	"character": true, "citext": true, "interval": true, "increment": true, "rowid": true, "identity": true, "real": true, "char": true,
}

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
	tsColumn   = regexp.MustCompile(`^@(?:\w*Column|Property|PrimaryKey|JoinColumn|Enum|Attribute)\b`)
	tsOther    = regexp.MustCompile(`^@(?:OneToMany|ManyToMany|OneToOne|ManyToOne|HasMany|BelongsTo|HasOne|RelationId)\b`)
	tsField    = regexp.MustCompile(`^(?:(?:public|private|protected|readonly|declare)\s+)*(\w+)[!?]?\s*(?::|=)`)
	tsTable    = regexp.MustCompile(`\b(?:pgTable|\w*[tT]able|\w+\.table)\(\s*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsKey      = regexp.MustCompile(`^(\w+)\s*:\s*\w+[\w.]*\(\s*(?:["'` + "`" + `](\w+)["'` + "`" + `])?`)
	tsDefine   = regexp.MustCompile(`\.define\(\s*["'` + "`" + `](\w+)["'` + "`" + `]\s*,\s*\{`)
	tsStatic   = regexp.MustCompile(`\bstatic\s+(?:get\s+|readonly\s+)?tableName\b[^"'` + "`" + `]*["'` + "`" + `]([\w.]+)["'` + "`" + `]`)
	tsRow      = regexp.MustCompile(`^(?:export\s+)?const\s+(\w+?)(?:Row)?Schema\s*=\s*z\b`)
	tsPlainKey = regexp.MustCompile(`^(\w+)\s*:\s*(?:\{|DataTypes\.)`)
	tsFieldOf  = regexp.MustCompile(`\bfield\s*:\s*["'` + "`" + `](\w+)["'` + "`" + `]`)
)

func scriptModels(r *reader) {
	var entity, object *Model
	column, depth, pending := "", 0, false
	drizzle := strings.Contains(string(r.text), "drizzle-orm")
	flush := func() {
		if entity != nil && entity.Class != "" {
			r.add(entity)
		}
		entity = nil
	}
	r.lines(func(n, indent int, line string) {
		if line == "" || noted(line) {
			return
		}
		if object != nil {
			if depth == 1 {
				if k := tsKey.FindStringSubmatch(line); k != nil && drizzle {
					object.Fields = append(object.Fields, Field{Field: k[1], Column: k[2], Line: n})
				} else if k := first(tsPlainKey, line); k != "" && !drizzle {
					object.Fields = append(object.Fields, Field{Field: k, Line: n, Column: first(tsFieldOf, line)})
				}
			} else if f := first(tsFieldOf, line); f != "" && len(object.Fields) > 0 {
				object.Fields[len(object.Fields)-1].Column = f
			}
			if depth += strings.Count(line, "{") - strings.Count(line, "}"); depth <= 0 {
				if t := first(tsStatic, line); t != "" {
					object.Table = t
				}
				r.add(object)
				object = nil
			}
			return
		}
		switch {
		case tsEntity.MatchString(line):
			flush()
			entity = &Model{Table: first(tsEntity, line), Line: n}
			if entity.Table == "" {
				entity.Table = first(tsNamed, line)
			}
			entity.Schema = first(tsSchema, line)
			pending = false
		case entity != nil && entity.Class == "" && tsClass.MatchString(line):
			entity.Class = first(tsClass, line)
		case entity != nil && entity.Class == "":
			if t := first(tsNamed, line); t != "" && entity.Table == "" {
				entity.Table = t
			}
		case entity != nil && indent == 0 && strings.HasPrefix(line, "}"):
			flush()
		case entity != nil && tsColumn.MatchString(line):
			pending = true
			if c := first(tsNamed, line); c != "" {
				column = c
			}
			if !strings.Contains(line, "name:") && !strings.HasPrefix(line, "@Join") {
				if m := regexp.MustCompile(`^@\w+\(\s*["'](\w+)["']\s*[,)]`).FindStringSubmatch(line); m != nil && !columnTypes[m[1]] {
					column = m[1]
				}
			}
			if _, after, ok := strings.Cut(line, ") "); ok && tsField.MatchString(after) {
				entity.Fields = append(entity.Fields, Field{Field: first(tsField, after), Column: column, Line: n})
				pending, column = false, ""
			}
		case entity != nil && tsOther.MatchString(line):
		case entity != nil && pending:
			if c := first(tsNamed, line); c != "" && !tsField.MatchString(strings.TrimPrefix(line, "name")) {
				column = c
				return
			}
			if strings.HasPrefix(line, "name:") {
				column = first(tsNamed, line)
				return
			}
			if f := first(tsField, line); f != "" && indent <= 4 && !strings.HasSuffix(line, "{") && !strings.HasSuffix(line, ",") {
				entity.Fields = append(entity.Fields, Field{Field: f, Column: column, Line: n})
				pending, column = false, ""
			}
		case drizzle && tsTable.MatchString(line), tsDefine.MatchString(line):
			table := first(tsTable, line)
			if table == "" {
				object = &Model{Class: first(tsDefine, line), Line: n}
			} else {
				object = &Model{Table: table, Line: n}
			}
			depth = strings.Count(line, "{") - strings.Count(line, "}")
			if depth <= 0 && strings.Contains(line, "}") {
				r.add(object)
				object = nil
			} else if depth <= 0 {
				depth = 1
			}
		case tsRow.MatchString(line):
			r.add(&Model{Class: first(tsRow, line), Line: n, Row: true})
		case tsStatic.MatchString(line) && !strings.Contains(line, "knex"):
			r.add(&Model{Table: first(tsStatic, line), Line: n})
		}
	})
	flush()
}

// columnTypes are what the first argument of @Column is, if not a name.
var columnTypes = map[string]bool{
	"text": true, "varchar": true, "int": true, "integer": true, "bigint": true, "smallint": true, "uuid": true, "json": true, "jsonb": true, "timestamp": true, "timestamptz": true,
	"boolean": true, "bool": true, "numeric": true, "decimal": true, "float": true, "double": true, "date": true, "time": true, "bytea": true, "enum": true, "simple-array": true,
	"character": true, "citext": true, "interval": true, "increment": true, "rowid": true, "identity": true, "real": true, "char": true,
}

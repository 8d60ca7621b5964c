package usage

import (
	"regexp"
	"strings"
)

// Java, Kotlin and Scala: JPA and Hibernate, Spring Data, Micronaut Data, Exposed.
var (
	jvmTable   = regexp.MustCompile(`@(?:Table|MappedEntity|Entity)\(\s*(?:[^"]*\b(?:name|value)\s*=\s*)?"([\w.]+)"`)
	jvmSchema  = regexp.MustCompile(`\bschema\s*=\s*"(\w+)"`)
	jvmEntity  = regexp.MustCompile(`^@(?:\w+\.)*(?:Entity|Table|MappedEntity)\b`)
	jvmClass   = regexp.MustCompile(`^(?:(?:public|final|open|data|abstract|internal|sealed|case)\s+)*(?:class|record|interface)\s+(\w+)`)
	jvmColumn  = regexp.MustCompile(`@(?:Column|JoinColumn|MappedProperty)\(\s*(?:[^"]*\b(?:name|value)\s*=\s*)?"([\w.]+)"`)
	jvmField   = regexp.MustCompile(`^(?:(?:@\w+(?:\([^)]*\))?\s+)*)(?:(?:private|protected|public|final|lateinit|override|open)\s+)*(?:(?:val|var)\s+(\w+)\s*:|[\w.<>,?\[\] ]+\s+(\w+)\s*(?:=.*)?;)`)
	jvmNone    = regexp.MustCompile(`@(?:Transient|OneToMany|ManyToMany|Relation|ElementCollection|OneToOne\(\s*mappedBy)|\bstatic\b|\btransient\b|^return\b|^import\b|^package\b`)
	exposed    = regexp.MustCompile(`^(?:(?:internal|private|public)\s+)?(?:object|class)\s+(\w+)[^:{]*:\s*(?:\w+\.)*\w*Table\w*(?:<[^>]*>)?\(\s*(?:name\s*=\s*)?(?:"([\w.]+)")?`)
	exposedVal = regexp.MustCompile(`^(?:override\s+)?val\s+(\w+)(?:\s*:[^=]+)?\s*=\s*\w+(?:<[^>]*>)?\(\s*(?:name\s*=\s*)?"(\w+)"`)
)

func jvmModels(r *reader) {
	var in, object *Model
	skip, depth := false, 0
	column := ""
	r.lines(func(n, indent int, line string) {
		if line == "" || noted(line) {
			return
		}
		if object != nil {
			if f := exposedVal.FindStringSubmatch(line); f != nil {
				object.Fields = append(object.Fields, Field{Field: f[1], Column: f[2], Line: n})
			}
			if indent == 0 && strings.HasPrefix(line, "}") {
				r.add(object)
				object = nil
			}
			return
		}
		if m := exposed.FindStringSubmatch(line); m != nil && strings.Contains(string(r.text), "exposed") {
			object = &Model{Class: m[1], Table: m[2], Line: n}
			return
		}
		switch {
		case jvmEntity.MatchString(line) && (in == nil || in.Class == "" || indent == 0):
			if in != nil && in.Class != "" {
				r.add(in)
				in = nil
			}
			if in == nil {
				in, depth = &Model{Line: n}, 0
			}
			if t := first(jvmTable, line); t != "" {
				in.Table = t
			}
			if s := first(jvmSchema, line); s != "" {
				in.Schema = s
			}
		case in == nil:
		case in.Class == "":
			if c := first(jvmClass, line); c != "" {
				in.Class = c
				depth = indent
			} else if in.Table == "" {
				if t := first(regexp.MustCompile(`^name\s*=\s*"([\w.]+)"`), line); t != "" {
					in.Table = t
				}
			}
		case indent <= depth && (line == "}" || line == ")"):
			if line == "}" {
				r.add(in)
				in = nil
			}
		default:
			if c := first(jvmColumn, line); c != "" {
				column = c
			}
			if jvmNone.MatchString(line) {
				skip = true
			}
			if strings.HasPrefix(line, "@") && !jvmField.MatchString(line) {
				return
			}
			if f := first(jvmField, strings.TrimSuffix(line, ",")); f != "" && indent <= depth+4 {
				if !skip {
					in.Fields = append(in.Fields, Field{Field: f, Column: column, Line: n})
				}
			} else if strings.HasPrefix(line, "@") {
				return
			}
			skip, column = false, ""
		}
	})
	r.add(in)
}

package usage

import (
	"regexp"
	"strings"
)

// Java, Kotlin and Scala: JPA and Hibernate, Spring Data, Micronaut Data, Exposed.
var (
	jvmTable   = regexp.MustCompile(`@(?:Table|MappedEntity|Entity)\(\s*(?:[^"]*\b(?:name|value)\s*=\s*)?"([\w.]+)"`)
	jvmSchema  = regexp.MustCompile(`\bschema\s*=\s*"(\w+)"`)
	jvmName    = regexp.MustCompile(`^name\s*=\s*"([\w.]+)"`)
	jvmEntity  = regexp.MustCompile(`^@(?:\w+\.)*(?:Entity|Table|MappedEntity)\b`)
	jvmBase    = regexp.MustCompile(`^@(?:\w+\.)*MappedSuperclass\b`)
	jvmExtends = regexp.MustCompile(`\bextends\s+(?:\w+\.)*(\w+)|[\w)]\s*:\s*(?:\w+\.)*(\w+)\(`)
	jvmClass   = regexp.MustCompile(`^(?:(?:public|private|protected|static|final|open|data|abstract|internal|sealed|case|inner|value)\s+)*(?:class|record|interface)\s+(\w+)`)
	jvmColumn  = regexp.MustCompile(`@(?:Column|JoinColumn|MappedProperty)\(\s*(?:[^"]*\b(?:name|value)\s*=\s*)?"([\w.]+)"`)
	jvmField   = regexp.MustCompile(`^(?:(?:@\w+(?:\([^)]*\))?\s+)*)(?:(?:private|protected|public|final|lateinit|override|open)\s+)*(?:(?:val|var)\s+(\w+)\s*:|[\w.<>,?\[\] ]+\s+(\w+)\s*(?:=.*)?;)`)
	jvmNone    = regexp.MustCompile(`@(?:Transient|OneToMany|ManyToMany|Relation|ElementCollection|OneToOne\(\s*mappedBy)|\bstatic\b|\btransient\b|^return\b|^import\b|^package\b`)
	exposed    = regexp.MustCompile(`^(?:(?:internal|private|public)\s+)?(?:object|class)\s+(\w+)[^:{]*:\s*(?:\w+\.)*\w*Table\w*(?:<[^>]*>)?\(\s*(?:name\s*=\s*)?(?:"([\w.]+)")?`)
	jvmRecord  = regexp.MustCompile(`^(?:\w+\s+)*record\s`)
	jvmPart    = regexp.MustCompile(`^(?:@\w+(?:\([^)]*\))?\s+)*[\w.<>?,\[\] ]+\s+(\w+),?$`)
	jvmOpens   = regexp.MustCompile(`^@`)
	exposedVal = regexp.MustCompile(`^(?:override\s+)?val\s+(\w+)(?:\s*:[^=]+)?\s*=\s*\w+(?:<[^>]*>)?\(\s*(?:name\s*=\s*)?"(\w+)"`)
)

func jvmModels(r *reader) {
	j := &jvmReader{r: r, exposed: strings.Contains(string(r.text), "exposed")}
	r.declarations(jvmOpens, func(n, indent int, line string) {
		if line == "" || noted(line) || j.object(n, indent, line) {
			return
		}
		switch {
		case (jvmEntity.MatchString(line) || jvmBase.MatchString(line)) && (j.in == nil || j.in.Class == "" || indent == 0):
			j.entity(n, line)
		case j.in == nil:
		case j.in.Class == "":
			if c := first(jvmClass, line); c != "" {
				j.in.Class, j.depth = c, indent
				j.components(n, line)
				if base := first(jvmExtends, line); base != "" {
					j.in.Bases = []Base{{Name: base}}
				}
			} else if j.in.Table == "" {
				j.in.Table = first(jvmName, line)
			}
		case indent <= j.depth && (line == "}" || line == ")"):
			if line == "}" {
				r.add(j.in)
				j.in = nil
			}
		default:
			j.field(n, indent, line)
		}
	})
	r.add(j.in)
}

// jvmReader reads classes with annotations, and the tables of Exposed, which are objects.
type jvmReader struct {
	r       *reader
	exposed bool
	table   *Model // of Exposed

	in    *Model
	depth int // the indentation of the class
	// record: its components are fields.
	record bool
	// skip: the annotations before a field say that it is no column; column is the name
	// that they give.
	skip   bool
	column string
}

// object reports whether a line is of a table of Exposed.
func (j *jvmReader) object(n, indent int, line string) bool {
	if j.table != nil {
		if f := exposedVal.FindStringSubmatch(line); f != nil {
			j.table.Fields = append(j.table.Fields, Field{Field: f[1], Column: f[2], Line: n})
		}
		if indent == 0 && strings.HasPrefix(line, "}") {
			j.r.add(j.table)
			j.table = nil
		}
		return true
	}
	m := exposed.FindStringSubmatch(line)
	if m == nil || !j.exposed {
		return false
	}
	j.table = &Model{Class: m[1], Table: m[2], Line: n}
	return true
}

// entity reads an annotation of a class.
func (j *jvmReader) entity(n int, line string) {
	if j.in != nil && j.in.Class != "" {
		j.r.add(j.in)
		j.in = nil
	}
	if j.in == nil {
		j.in, j.depth = &Model{Line: n}, 0
	}
	j.in.Base = j.in.Base || jvmBase.MatchString(line)
	if t := first(jvmTable, line); t != "" {
		j.in.Table = t
	}
	if s := first(jvmSchema, line); s != "" {
		j.in.Schema = s
	}
}

// components reads the line that declares a class, which may be a record with its components.
func (j *jvmReader) components(n int, line string) {
	j.record = jvmRecord.MatchString(line)
	if !j.record {
		return
	}
	for _, part := range components(line) {
		if f := first(jvmPart, part); f != "" {
			j.in.Fields = append(j.in.Fields, Field{Field: f, Column: first(jvmColumn, part), Line: n})
		}
	}
}

// field reads a line of a class.
func (j *jvmReader) field(n, indent int, line string) {
	if c := first(jvmColumn, line); c != "" {
		j.column = c
	}
	if jvmNone.MatchString(line) {
		j.skip = true
	}
	if strings.HasPrefix(line, "@") && !jvmField.MatchString(line) {
		return
	}
	f := first(jvmField, strings.TrimSuffix(line, ","))
	if f == "" && j.record && !strings.HasSuffix(line, "{") {
		f = first(jvmPart, line)
	}
	if f != "" && indent <= j.depth+4 {
		if !j.skip {
			j.in.Fields = append(j.in.Fields, Field{Field: f, Column: j.column, Line: n})
		}
	} else if strings.HasPrefix(line, "@") {
		return
	}
	j.skip, j.column = false, ""
}

// Package jvm reads what Java, Kotlin, Scala and Groovy declare to a mapper: JPA, Hibernate, Micronaut, Spring Data and
// MyBatis.
package jvm

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// endings are the extensions of the languages.
var endings = []string{".java", ".kt", ".scala", ".groovy"}

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: endings, Signs: []string{"@Entity", "@Table", "@MappedEntity", "@MappedSuperclass", "Table("}, Read: readJVMModels},
	{Endings: endings, Signs: []string{"SequenceGenerator", "GeneratedValue", "@GenericGenerator"}, Read: readSequences},
	{Endings: []string{".xml"}, Signs: []string{"<hibernate-mapping"}, Read: readHibernateModels},
	{Endings: []string{".java", ".kt", ".scala"}, Signs: []string{"enum "}, Read: source.ReadBlockEnums},
}

// Java, Kotlin and Scala: JPA and Hibernate, Spring Data, Micronaut Data, Exposed.
var (
	jvmTable   = lazyregexp.New(`@(?:Table|MappedEntity|Entity)\(\s*(?:[^"]*\b(?:name|value)\s*=\s*)?"(?:\\"|` + "`" + `)?([\w.]+)`)
	jvmSchema  = lazyregexp.New(`\bschema\s*=\s*"(\w+)"`)
	jvmName    = lazyregexp.New(`^name\s*=\s*"([\w.]+)"`)
	jvmEntity  = lazyregexp.New(`^@(?:\w+\.)*(?:Entity|Table|MappedEntity)\b`)
	jvmBase    = lazyregexp.New(`^@(?:\w+\.)*MappedSuperclass\b`)
	jvmExtends = lazyregexp.New(`\bextends\s+(?:\w+\.)*(\w+)|[\w)]\s*:\s*(?:\w+\.)*(\w+)\(`)
	jvmClass   = lazyregexp.New(`^(?:(?:public|private|protected|static|final|open|data|abstract|internal|sealed|case|inner|value)\s+)*(?:class|record|interface)\s+(\w+)`)
	jvmColumn  = lazyregexp.New(`@(?:\w+[.:])*(?:Column|JoinColumn|MappedProperty)\(\s*(?:[^"]*\b(?:name|value)\s*=\s*)?"(?:\\"|` + "`" + `)?([\w.]+)`)
	jvmField   = lazyregexp.New(`^(?:(?:@[\w:]+(?:\([^)]*\))?\s+)*)(?:(?:private|protected|public|internal|final|lateinit|override|open|abstract)\s+)*(?:(?:val|var)\s+(\w+)\s*[:=]|[\w.<>,?\[\] ]+\s+(\w+)\s*(?:=.*)?;)`)
	jvmNone    = lazyregexp.New(`@(?:Transient|OneToMany|ManyToMany|Relation|ElementCollection)\b|\bmappedBy\b|\bstatic\b|\btransient\b|^return\b|^import\b|^package\b`)
	exposed    = lazyregexp.New(`^(?:(?:internal|private|public)\s+)?(?:object|class)\s+(\w+)[^:{]*:\s*(?:\w+\.)*\w*Table\w*(?:<[^>]*>)?\(\s*(?:name\s*=\s*)?(?:"([\w.]+)")?`)
	jvmRecord  = lazyregexp.New(`^(?:\w+\s+)*record\s`)
	jvmPart    = lazyregexp.New(`^(?:@\w+(?:\([^)]*\))?\s+)*[\w.<>?,\[\] ]+\s+(\w+),?$`)
	jvmGetter  = lazyregexp.New(`^get\(\)`) // of Kotlin
	jvmOpens   = lazyregexp.New(`^@`)
	exposedVal = lazyregexp.New(`^(?:override\s+)?val\s+(\w+)(?:\s*:[^=]+)?\s*=\s*\w+(?:<[^>]*>)?\(\s*(?:name\s*=\s*)?"(\w+)"`)
)

// A field that refers to another entity has a column called as the field and as that entity's key, unless an annotation names the
// column or puts it elsewhere.
var (
	jvmReference = lazyregexp.New(`@(?:\w+[.:])*(?:ManyToOne|OneToOne)\b`)
	jvmElsewhere = lazyregexp.New(`@(?:\w+[.:])*(?:PrimaryKeyJoinColumns?|JoinColumns|JoinTable|JoinFormula|JoinColumnsOrFormulas|MapsId)\b`)
)

func readJVMModels(r *source.File) {
	j := &jvmReader{r: r, exposed: strings.Contains(string(r.Text), "exposed")}
	r.EachDeclaration(jvmOpens, func(n, indent int, line string) {
		if line == "" || source.IsComment(line) || j.readExposedLine(n, indent, line) {
			return
		}
		switch {
		case (jvmEntity.MatchString(line) || jvmBase.MatchString(line)) && (j.in == nil || j.in.Class == "" || indent == 0):
			j.readAnnotation(n, line)
		case j.in == nil:
		case j.in.Class == "":
			if c := source.FirstGroup(jvmClass, line); c != "" {
				j.in.Class, j.depth, j.members = c, indent, indent+4
				j.readClassHead(n, line)
				if base := source.FirstGroup(jvmExtends, line); base != "" {
					j.in.Bases = []facts.Base{{Name: base}}
				}
			} else if j.in.Table == "" {
				j.in.Table = source.FirstGroup(jvmName, line)
			}
		case indent <= j.depth && (line == "}" || line == ")"):
			if line == "}" {
				r.AddModel(j.in)
				j.in = nil
			}
		default:
			j.readField(n, indent, line)
		}
	})
	r.AddModel(j.in)
}

// jvmReader reads classes with annotations, and the tables of Exposed, which are objects.
type jvmReader struct {
	r       *source.File
	exposed bool
	table   *facts.Model // of Exposed

	in    *facts.Model
	depth int // the indentation of the class
	// members is the indentation of its members: code in methods has more.
	members int
	// record is set if its components are fields.
	record bool
	// plain is set if the last field has no value of its own: a getter may compute it.
	plain bool
	// skip is set if the annotations before a field say that it is no column. column is the
	// name in the annotations.
	skip   bool
	column string
	// reference is set if they say that it refers to another entity; elsewhere if they say that it has no column of its own name.
	reference, elsewhere bool
}

// readExposedLine reports whether a line belongs to a table of Exposed.
func (j *jvmReader) readExposedLine(n, indent int, line string) bool {
	if j.table != nil {
		if f := exposedVal.FindStringSubmatch(line); f != nil {
			j.table.Fields = append(j.table.Fields, facts.Field{Field: f[1], Column: f[2], Line: n})
		}
		if indent == 0 && strings.HasPrefix(line, "}") {
			j.r.AddModel(j.table)
			j.table = nil
		}
		return true
	}
	m := exposed.FindStringSubmatch(line)
	if m == nil || !j.exposed {
		return false
	}
	j.table = &facts.Model{Class: m[1], Table: m[2], Line: n}
	return true
}

// readAnnotation reads an annotation of a class.
func (j *jvmReader) readAnnotation(n int, line string) {
	if j.in != nil && j.in.Class != "" {
		j.r.AddModel(j.in)
		j.in = nil
	}
	if j.in == nil {
		j.in, j.depth = &facts.Model{Line: n}, 0
	}
	j.in.Base = j.in.Base || jvmBase.MatchString(line)
	line = source.TopArguments(line)
	if t := source.FirstGroup(jvmTable, line); t != "" {
		j.in.Table = t
	}
	if s := source.FirstGroup(jvmSchema, line); s != "" {
		j.in.Schema = s
	}
}

// readClassHead reads the line that declares a class, which may be a record with its components.
func (j *jvmReader) readClassHead(n int, line string) {
	j.record = jvmRecord.MatchString(line)
	if !j.record {
		return
	}
	for _, part := range source.SplitComponents(line) {
		if f := source.FirstGroup(jvmPart, part); f != "" {
			j.in.Fields = append(j.in.Fields, facts.Field{Field: f, Column: source.FirstGroup(jvmColumn, part), Line: n})
		}
	}
}

// readField reads a line of a class.
func (j *jvmReader) readField(n, indent int, line string) {
	if indent > j.depth {
		j.members = min(j.members, indent)
	}
	if jvmGetter.MatchString(line) && j.plain && !strings.Contains(string(j.r.Text), "@get:") {
		j.in.Fields = j.in.Fields[:len(j.in.Fields)-1]
		j.plain = false
		return
	}
	if c := source.FirstGroup(jvmColumn, line); c != "" {
		j.column = c
	}
	if jvmNone.MatchString(line) {
		j.skip = true
	}
	j.reference = j.reference || jvmReference.MatchString(line)
	j.elsewhere = j.elsewhere || jvmElsewhere.MatchString(line)
	if strings.HasPrefix(line, "@") && !jvmField.MatchString(line) {
		return
	}
	f := source.FirstGroup(jvmField, strings.TrimSuffix(line, ","))
	if f == "" && j.record && !strings.HasSuffix(line, "{") {
		f = source.FirstGroup(jvmPart, line)
	}
	if f != "" && indent <= j.members {
		if j.plain = false; !j.skip {
			j.plain = !strings.Contains(line, "=")
			if j.reference && !j.elsewhere && j.column == "" {
				f += "Id"
			}
			j.in.Fields = append(j.in.Fields, facts.Field{Field: f, Column: j.column, Line: n})
		}
	} else if strings.HasPrefix(line, "@") {
		return
	}
	j.skip, j.column, j.reference, j.elsewhere = false, "", false, false
}

// MyBatis keeps the queries of a program in XML.
var mapperPath = lazyregexp.New(`(?i)(?:mapper\.xml|(?:^|/)(?:mybatis|mappers?)/(?:.*/)?[^/]*\.xml)$`)

// IsMyBatisFile reports whether a file has queries for MyBatis.
func IsMyBatisFile(file string) bool { return mapperPath.MatchString(file) }

var (
	xmlQuery = lazyregexp.New(`(?s)<(?:select|insert|update|delete)\b[^>]*>(.*?)</(?:select|insert|update|delete)>`)
	xmlTag   = lazyregexp.New(`<!\[CDATA\[|\]\]>|(?s)<!--.*?-->|</?\w[^>]*>`)
)

// ReadMyBatis reads the queries of a mapper's file.
func ReadMyBatis(r *source.File) {
	for _, m := range xmlQuery.FindAllSubmatchIndex(r.Text, -1) {
		s := &queries.Text{}
		offset := m[2]
		body := r.Text[m[2]:m[3]]
		for _, tag := range xmlTag.FindAllIndex(body, -1) {
			s.AddString(r.Text, lexer.String{From: offset, To: m[2] + tag[0]}, nil)
			if bytes.HasPrefix(body[tag[0]:tag[1]], []byte("<include")) {
				s.AddHole(" "+queries.HoleName+" ", m[2]+tag[1])
			} else {
				s.AddHole(" ", m[2]+tag[1])
			}
			offset = m[2] + tag[1]
		}
		s.AddString(r.Text, lexer.String{From: offset, To: m[3]}, nil)
		s.SQL = bytes.ReplaceAll(bytes.ReplaceAll(s.SQL, []byte("&lt;"), []byte("<   ")), []byte("&gt;"), []byte(">   "))
		queries.RecordStatements(r, s)
	}
}

package jvm

import (
	"bytes"
	"encoding/xml"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// readHibernateModels reads a mapping of Hibernate, which declares classes and their tables in XML.
func readHibernateModels(r *source.File) {
	h := &hibernateReader{r: r, dec: xml.NewDecoder(bytes.NewReader(r.Text))}
	h.dec.Strict = false
	for {
		token, err := h.dec.RawToken()
		if err != nil {
			break // the end, or what is no XML
		}
		switch t := token.(type) {
		case xml.StartElement:
			h.param = t.Name.Local == "param"
			h.startElement(t)
		case xml.CharData:
			h.recordSettingText(string(t))
		case xml.EndElement:
			h.endElement(t.Name.Local)
		}
	}
	for len(h.open) > 0 {
		h.endElement(h.open[len(h.open)-1].element)
	}
}

// hibernateReader reads the elements of a mapping in their order.
type hibernateReader struct {
	r     *source.File
	dec   *xml.Decoder
	open  []hibernateTable
	class string // the last one, which owns the collections that follow
	// param is set in the value of a setting, such as the name of a sequence.
	param bool
}

// hibernateTable is an element that names a table. Its fields follow in the elements within it.
type hibernateTable struct {
	element string
	model   *facts.Model // nil for a collection whose rows are in another class's table
}

// startElement reads the beginning of an element.
func (h *hibernateReader) startElement(t xml.StartElement) {
	attribute := map[string]string{}
	for _, a := range t.Attr {
		attribute[a.Name.Local] = a.Value
	}
	line, _ := h.dec.InputPos()
	switch t.Name.Local {
	case "class", "joined-subclass", "union-subclass", "join":
		m := &facts.Model{Table: attribute["table"], Schema: attribute["schema"], Line: line}
		if name := attribute["name"]; name != "" {
			m.Class = name[strings.LastIndexAny(name, ".$")+1:]
			h.class = m.Class
		}
		h.open = append(h.open, hibernateTable{t.Name.Local, m})
	case "set", "list", "map", "bag", "idbag", "array":
		var m *facts.Model
		if table := attribute["table"]; table != "" {
			m = &facts.Model{Table: table, Class: h.class, Schema: attribute["schema"], Line: line}
		}
		h.open = append(h.open, hibernateTable{t.Name.Local, m})
	case "id", "property", "many-to-one", "version", "timestamp", "key", "key-property", "key-many-to-one", "discriminator",
		"element", "many-to-many", "list-index", "map-key", "map-key-many-to-many", "index", "column":
		h.addColumn(t.Name.Local, attribute, line)
	}
}

// recordSettingText records the value of a setting: no model names a sequence.
func (h *hibernateReader) recordSettingText(value string) {
	if value = strings.TrimSpace(value); h.param && value != "" {
		line, _ := h.dec.InputPos()
		h.r.Facts.Strings = append(h.r.Facts.Strings, facts.String{Mark: facts.HashText(value), Line: line})
	}
	h.param = false
}

// addColumn records a column. Without a name it is called as its property, in the spelling of the naming strategy.
func (h *hibernateReader) addColumn(element string, attribute map[string]string, line int) {
	if len(h.open) == 0 || h.open[len(h.open)-1].model == nil || attribute["formula"] != "" {
		return
	}
	m := h.open[len(h.open)-1].model
	name, column := attribute["name"], attribute["column"]
	if element == "column" {
		name, column = "", name
	}
	column = strings.Trim(column, "`\"")
	switch {
	case column != "":
		m.Fields = append(m.Fields, facts.Field{Field: name, Column: column, Line: line})
	case name != "":
		m.Fields = append(m.Fields, facts.Field{Field: name, Line: line}, facts.Field{Field: name, Column: strings.ToLower(name), Line: line})
	}
}

// endElement closes the last element that names a table.
func (h *hibernateReader) endElement(element string) {
	n := len(h.open) - 1
	if n < 0 || h.open[n].element != element {
		return
	}
	h.r.AddModel(h.open[n].model)
	h.open = h.open[:n]
}

// JPA's generators of keys name their sequence: @SequenceGenerator by sequenceName, and if that is missing, Hibernate
// takes the name of the generator. @GeneratedValue names a generator, which need not be declared.
var (
	generator     = lazyregexp.New(`@(?:\w+[.:])*(?:SequenceGenerator|GeneratedValue|Parameter)\s*\(([^()]*)\)`)
	sequenceName  = lazyregexp.New(`\bsequenceName\s*=\s*("[^"]*"|[\w.]+)`)
	generatorName = lazyregexp.New(`\b(?:name|generator)\s*=\s*("[^"]*"|[\w.]+)`)
	sequenceValue = lazyregexp.New(`\bname\s*=\s*"(?:sequence_name|sequence)"\s*,\s*value\s*=\s*("[^"]*"|[\w.]+)`)
	schemaName    = lazyregexp.New(`\bschema\s*=\s*"(\w+)"`)
)

// readSequences records the sequences that entities take their keys from, as queries that read them.
func readSequences(r *source.File) {
	declared := map[string]bool{} // the generators whose sequence has another name
	for _, m := range generator.FindAllSubmatchIndex(r.Text, -1) {
		if lexer.IsInSpans(r.Comments, m[0]) {
			continue
		}
		head, arguments := string(r.Text[m[0]:m[2]]), string(r.Text[m[2]:m[3]])
		generator := annotationText(r, generatorName, arguments)
		sequence := annotationText(r, sequenceName, arguments)
		switch {
		case strings.Contains(head, "Parameter"):
			sequence = annotationText(r, sequenceValue, arguments)
		case sequence != "":
			declared[generator] = true
		case !declared[generator]:
			sequence = generator
		}
		schema := source.FirstGroup(schemaName, arguments)
		if before, after, ok := strings.Cut(sequence, "."); ok {
			schema, sequence = before, after
		}
		if sequence != "" {
			line := r.LineAt(m[0])
			r.Facts.Queries = append(r.Facts.Queries, facts.Query{Line: line, Relations: []facts.Relation{{Schema: schema, Name: sequence, Line: line}}})
		}
	}
}

// annotationText returns the value of an annotation's argument: a text, or a constant of the file; "" for none.
func annotationText(r *source.File, argument *lazyregexp.Regexp, arguments string) string {
	value := source.FirstGroup(argument, arguments)
	if text, quoted := strings.CutPrefix(value, `"`); quoted {
		return strings.TrimSuffix(text, `"`)
	}
	if value == "" {
		return ""
	}
	if indexes := r.FindConstant(value); len(indexes) == 1 {
		return string(r.Text[r.Strings[indexes[0]].From:r.Strings[indexes[0]].To])
	}
	return ""
}

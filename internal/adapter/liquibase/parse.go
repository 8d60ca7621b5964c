package liquibase

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Limits of a changelog file.
const (
	maxNesting  = 100
	maxElements = 200_000
)

var errTooDeep = fmt.Errorf("its elements are nested more than %d deep, or they are more than %d", maxNesting, maxElements)

// parseChangelog reads a changelog in XML, YAML or JSON; nil if the file is none.
func parseChangelog(name, text string) (*element, error) {
	if strings.EqualFold(path.Ext(name), ".xml") {
		return parseXML(text)
	}
	return parseYAML(text)
}

// parseXML reads XML. Only the five entities of XML itself are replaced, and nothing outside of the text is read.
func parseXML(text string) (*element, error) {
	if head := `<?xml version="1.1"`; strings.HasPrefix(text, head) { // the library knows 1.0
		text = strings.Replace(head, "1.1", "1.0", 1) + text[len(head):]
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	lines := pgparse.NewLines(text)
	var root *element
	var stack []*element
	count := 0
	for {
		start := int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		end := int(d.InputOffset())
		switch t := token.(type) {
		case xml.StartElement:
			if count++; len(stack) == maxNesting || count > maxElements {
				return nil, errTooDeep
			}
			e := newElement(t.Name.Local)
			e.start = start
			e.line, e.column = lines.Position(start)
			for _, a := range t.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			if len(stack) > 0 {
				parent := stack[len(stack)-1]
				parent.children = append(parent.children, e)
			} else if root == nil {
				root = e
			}
			stack = append(stack, e)
		case xml.EndElement:
			if len(stack) == 0 || stack[len(stack)-1].name != t.Name.Local {
				return nil, fmt.Errorf("</%s> closes nothing", t.Name.Local)
			}
			e := stack[len(stack)-1]
			e.end, e.text, e.pieces = end, strings.Join(e.pieces, ""), nil
			e.endLine, _ = lines.Position(end)
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].addText(string(t), text, start, end)
			}
		}
	}
}

// addText adds a piece of text, which is between two offsets of the file.
func (e *element) addText(piece, file string, start, end int) {
	if strings.TrimSpace(piece) == "" && len(e.pieces) == 0 {
		return
	}
	if e.textStart = -1; len(e.pieces) == 0 {
		if offset := strings.Index(file[start:end], piece); offset >= 0 {
			e.textStart = start + offset
		}
	}
	e.pieces = append(e.pieces, piece)
}

// parseYAML reads YAML, and JSON, which is YAML too. An alias is not followed.
func parseYAML(text string) (*element, error) {
	if !strings.Contains(text, "databaseChangeLog") {
		return nil, nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil, nil
	}
	top := document.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value == "databaseChangeLog" {
			r := yamlReader{}
			root := r.makeElement(top.Content[i], top.Content[i+1], 0)
			if r.tooMany {
				return nil, errTooDeep
			}
			return root, nil
		}
	}
	return nil, nil
}

// yamlReader makes elements of the nodes of a document.
type yamlReader struct {
	count   int
	tooMany bool
}

// lists are the keys of lists whose items belong to the element itself.
var lists = map[string]bool{"changes": true, "columns": true}

// makeElement makes the element of a key and its value.
func (r *yamlReader) makeElement(key, value *yaml.Node, depth int) *element {
	e := newElement(key.Value)
	e.line, e.column = key.Line, key.Column
	e.endLine = key.Line
	if r.count++; depth == maxNesting || r.count > maxElements {
		r.tooMany = true
		return e
	}
	switch value.Kind {
	case yaml.ScalarNode:
		e.text = value.Value
	case yaml.MappingNode:
		r.addPairs(e, value, depth)
	case yaml.SequenceNode:
		r.addItems(e, value, depth)
	}
	return e
}

// addPairs adds the pairs of a mapping: texts as attributes, all others as children.
func (r *yamlReader) addPairs(e *element, value *yaml.Node, depth int) {
	for i := 0; i+1 < len(value.Content) && !r.tooMany; i += 2 {
		k, v := value.Content[i], value.Content[i+1]
		switch {
		case v.Kind == yaml.ScalarNode && (k.Value == "empty" || v.Tag == "!!null"):
			c := newElement(k.Value)
			c.line, c.column, c.endLine = k.Line, k.Column, k.Line
			e.children = append(e.children, c)
		case v.Kind == yaml.ScalarNode:
			e.attributes[k.Value] = v.Value
		case v.Kind == yaml.SequenceNode && lists[k.Value]:
			r.addItems(e, v, depth+1)
		default:
			e.children = append(e.children, r.makeElement(k, v, depth+1))
		}
	}
}

// addItems adds the items of a list.
func (r *yamlReader) addItems(e *element, value *yaml.Node, depth int) {
	if depth >= maxNesting {
		r.tooMany = true
		return
	}
	for _, item := range value.Content {
		switch {
		case r.tooMany:
			return
		case item.Kind == yaml.MappingNode && len(item.Content) == 2 && e.name != "preConditions" && item.Content[1].Kind == yaml.ScalarNode:
			// {tagDatabase: v1}, {comment: text}
			e.children = append(e.children, r.makeElement(item.Content[0], item.Content[1], depth+1))
		case item.Kind == yaml.MappingNode:
			r.addPairs(e, item, depth+1)
		}
	}
}

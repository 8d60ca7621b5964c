// Package php reads what PHP declares to a mapper: Doctrine and Eloquent.
package php

import (
	"bytes"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".php"}, Signs: []string{"ORM\\Table", "ORM\\Entity"}, Read: readPHPModels},
	{Endings: []string{".php"}, Signs: []string{"::", "->", " extends "}, Read: readEloquentModels},
}

// PHP: Doctrine's attributes.
var (
	phpTable  = lazyregexp.New(`ORM\\Table\((?:[^)]*\bname\s*[:=]\s*)?["']` + "`?" + `([\w.]+)`)
	phpEntity = lazyregexp.New(`^(?:#\[|\*\s*@)ORM\\(?:Entity|Table)\b`)
	phpClass  = lazyregexp.New(`^(?:(?:final|abstract|readonly)\s+)*class\s+(\w+)`)
	phpColumn = lazyregexp.New(`ORM\\(?:Column|JoinColumn|Id)\b(?:\((?:[^)]*\bname\s*[:=]\s*["']` + "`?" + `(\w+))?)?`)
	phpField  = lazyregexp.New(`^(?:(?:private|protected|public|readonly)\s+)+[\w?|\\]*\s*\$(\w+)`)
	phpOpens  = lazyregexp.New(`^#\[`)
)

func readPHPModels(r *source.File) {
	var in *facts.Model
	mapped, column := false, ""
	r.EachDeclaration(phpOpens, func(n, _ int, line string) {
		switch {
		case phpTable.MatchString(line), phpEntity.MatchString(line):
			if in == nil || in.Class != "" {
				r.AddModel(in)
				in = &facts.Model{Line: n}
			}
			if t := source.FirstGroup(phpTable, line); t != "" {
				in.Table = t
			}
		case in == nil:
		case phpClass.MatchString(line):
			in.Class = source.FirstGroup(phpClass, line)
		case phpColumn.MatchString(line):
			mapped = true
			if c := source.FirstGroup(phpColumn, line); c != "" {
				column = c
			}
		}
		if in != nil {
			if f := source.FirstGroup(phpField, line); f != "" {
				if mapped {
					in.Fields = append(in.Fields, facts.Field{Field: f, Column: column, Line: n})
				}
				mapped, column = false, ""
			}
		}
	})
	r.AddModel(in)
}

var (
	phpHead      = lazyregexp.New(`(?m)^[ \t]*((?:(?:final|abstract|readonly)\s+)*)(class|trait)\s+(\w+)(?:\s+extends\s+([\w\\]+))?`)
	phpNamespace = lazyregexp.New(`(?m)^\s*namespace\s+([\w\\]+)\s*[;{]`)
	phpImport    = lazyregexp.New(`(?m)^use\s+([\w\\]+)(?:\s+as\s+(\w+))?\s*;`)
	phpImports   = lazyregexp.New(`(?m)^use\s+([\w\\]+)\\\{([^}]*)\}\s*;`)
	phpTraits    = lazyregexp.New(`(?m)^[ \t]+use\s+([\w\\, \t\r\n]+?)\s*[;{]`)
	phpProperty  = lazyregexp.New(`(?m)^[ \t]*(?:(?:public|protected|private|static|readonly|var|array|\??string|bool)\s+)+` +
		`\$(table|primaryKey|timestamps|fillable|attributes)\s*=\s*`)
	phpTimes = lazyregexp.New(`\bconst\s+(?:\??string\s+)?(CREATED|UPDATED|DELETED)_AT\s*=\s*(?:["'](\w+)["']|(null))`)
)

// modelDirs are parts of the paths of models.
var modelDirs = []string{"Models/", "Model/", "Entities/"}

// phpReader reads the classes of a file of PHP.
type phpReader struct {
	r *source.File
	// space is the namespace, and imports are the full names by those in the file.
	space   string
	imports map[string]string
	// models is set if the current class is in a directory of models, or says something that only a model says.
	models bool
}

func readEloquentModels(r *source.File) {
	p := &phpReader{r: r, imports: map[string]string{}}
	p.readImports()
	heads := phpHead.FindAllSubmatchIndex(r.Text, maxClasses)
	for i, m := range heads {
		to := len(r.Text)
		if i+1 < len(heads) {
			to = heads[i+1][0]
		}
		if !lexer.IsInSpans(r.Comments, m[4]) {
			p.readClass(m, to)
		}
	}
	p.readCalls(heads)
}

// maxClasses bounds how many classes of a file are read.
const maxClasses = 500

// readImports reads the namespace of the file and the classes that it imports.
func (p *phpReader) readImports() {
	if m := phpNamespace.FindSubmatch(p.r.Text); m != nil {
		p.space = string(m[1]) + `\`
	}
	add := func(full, alias string) {
		full = strings.TrimPrefix(full, `\`)
		if alias == "" {
			alias = full[strings.LastIndexByte(full, '\\')+1:]
		}
		p.imports[alias] = full
	}
	for _, m := range phpImport.FindAllSubmatch(p.r.Text, -1) {
		add(string(m[1]), string(m[2]))
	}
	for _, m := range phpImports.FindAllSubmatch(p.r.Text, -1) {
		for item := range strings.SplitSeq(string(m[2]), ",") {
			name, alias, _ := strings.Cut(strings.TrimSpace(item), " as ")
			if name != "" {
				add(string(m[1])+`\`+name, strings.TrimSpace(alias))
			}
		}
	}
}

// fullClass returns the full name of a class that the file names.
func (p *phpReader) fullClass(name string) string {
	if rest, full := strings.CutPrefix(name, `\`); full || name == "" {
		return rest
	}
	first, rest, nested := strings.Cut(name, `\`)
	full, imported := p.imports[first]
	switch {
	case !imported:
		return p.space + name
	case nested:
		return full + `\` + rest
	}
	return full
}

// readClass reads a class between its head and an offset.
func (p *phpReader) readClass(m []int, to int) {
	r := p.r
	c := facts.PHPClass{
		Name: p.space + r.GroupText(m, 3), Line: r.LineAt(m[4]), Extends: []string{p.fullClass(r.GroupText(m, 4))},
		Open: r.GroupText(m, 2) == "trait" || strings.Contains(r.GroupText(m, 1), "abstract"),
	}
	p.models = false
	body := r.Text[m[1]:to]
	for _, t := range phpTraits.FindAllSubmatchIndex(body, -1) {
		if lexer.IsInSpans(r.Comments, m[1]+t[2]) {
			continue
		}
		for name := range strings.SplitSeq(string(body[t[2]:t[3]]), ",") {
			c.Extends = append(c.Extends, p.fullClass(strings.TrimSpace(name)))
		}
	}
	for _, t := range phpTimes.FindAllSubmatchIndex(body, -1) {
		if lexer.IsInSpans(r.Comments, m[1]+t[0]) {
			continue
		}
		index := slices.Index([]string{"CREATED", "UPDATED", "DELETED"}, string(body[t[2]:t[3]]))
		if c.Times[index] = "-"; t[6] < 0 {
			c.Times[index] = string(body[t[4]:t[5]])
		}
		p.models = true
	}
	for _, t := range phpProperty.FindAllSubmatchIndex(body, -1) {
		if !lexer.IsInSpans(r.Comments, m[1]+t[2]) {
			p.readProperty(&c, string(body[t[2]:t[3]]), m[1]+t[1], to)
		}
	}
	p.models = p.models || slices.ContainsFunc(modelDirs, func(dir string) bool { return strings.Contains(r.Path, dir) }) ||
		facts.IsEloquentRoot(c.Extends[0]) || strings.HasSuffix(c.Extends[0], "Model")
	if p.models && (c.Extends[0] != "" || c.Open) {
		r.Facts.PHPClasses = append(r.Facts.PHPClasses, c)
	}
}

// readProperty reads a property that says something to Eloquent; its value begins at an offset.
func (p *phpReader) readProperty(c *facts.PHPClass, name string, from, to int) {
	texts, end := p.textsUntilEnd(from, to)
	text := ""
	if len(texts) == 1 && texts[0].Open == from {
		text = string(p.r.Text[texts[0].From:texts[0].To])
	}
	p.models = true
	switch name {
	case "table":
		c.Table = text
	case "primaryKey":
		c.Key = text
	case "timestamps":
		c.NoTimes = bytes.HasPrefix(p.r.Text[from:end], []byte("false"))
	case "fillable":
		c.Given = p.placesOf(texts)
	case "attributes":
		c.Named = p.placesOf(slices.DeleteFunc(texts, func(l lexer.String) bool { return !p.isKey(l) }))
	}
}

// isKey reports whether a text is a key of an array.
func (p *phpReader) isKey(l lexer.String) bool {
	return bytes.HasPrefix(bytes.TrimLeft(p.r.Text[l.End:min(len(p.r.Text), l.End+source.MaxGlue)], " \t\r\n"), []byte("=>"))
}

// placesOf returns the texts that may be columns.
func (p *phpReader) placesOf(texts []lexer.String) (out []facts.Place) {
	for _, l := range texts {
		if name := string(p.r.Text[l.From:l.To]); source.TableText.MatchString(name) {
			out = append(out, facts.Place{Name: name, Line: p.r.LineAt(l.From)})
		}
	}
	return out
}

// textsUntilEnd returns the texts from an offset to the semicolon that ends the statement, and its offset.
func (p *phpReader) textsUntilEnd(from, to int) (texts []lexer.String, end int) {
	end = to
	p.r.EachCode(from, to, func(i int) bool {
		if p.r.Text[i] == ';' {
			end = i
		}
		return end == to
	}, func(l lexer.String) bool {
		texts = append(texts, l)
		return len(texts) < maxArguments
	})
	return texts, end
}

package php

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/inflect"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Calls of Eloquent name columns: Person::where('nick', …), Person::create(['nick' => …]), $this->hasMany(Post::class).

// phpArguments says which arguments of a method are columns.
type phpArguments struct {
	how facts.How
	// first: the first argument, where('nick', 1). texts: each text, also in a list, select(['nick']). keys: the keys of
	// arrays, which may be in a list, create(['nick' => 1]).
	first, texts, keys bool
	// ends is set if the method returns no query.
	ends bool
}

// phpMethods are the methods of queries and models, in lower case.
var phpMethods = func() map[string]phpArguments {
	out := map[string]phpArguments{}
	add := func(a phpArguments, names string) {
		for name := range strings.FieldsSeq(names) {
			out[name] = a
		}
	}
	add(phpArguments{first: true, keys: true}, "where orwhere wherenot firstwhere")
	add(phpArguments{first: true}, "wherein wherenotin orwherein wherenull wherenotnull orwherenull "+
		"orwherenotnull wherebetween wherenotbetween wheredate wheretime whereday "+
		"wheremonth whereyear wherejsoncontains wherelike orderby orderbydesc latest oldest having reorder")
	add(phpArguments{texts: true}, "select addselect groupby wherecolumn distinct")
	add(phpArguments{texts: true, ends: true}, "get all first firstorfail paginate simplepaginate cursorpaginate pluck value sum avg max min sole implode")
	add(phpArguments{ends: true}, "count exists doesntexist each chunk cursor find findorfail findmany findornew chunkbyid lazy")
	add(phpArguments{how: facts.Inserts, keys: true, ends: true}, "create forcecreate createquietly insert insertgetid insertorignore upsert updateorcreate "+
		"updateorinsert firstorcreate firstornew")
	add(phpArguments{how: facts.Updates, keys: true, ends: true}, "update updatequietly updateorfail fill forcefill")
	add(phpArguments{how: facts.Updates, first: true, ends: true}, "increment decrement")
	return out
}()

var (
	phpStatic   = lazyregexp.New(`(?:\\?[A-Z][\w\\]*|\bself|\bstatic)::[a-zA-Z]`)
	phpNew      = lazyregexp.New(`\$(\w+)\s*=\s*(?:\(?\s*new\s+)(\\?[A-Z][\w\\]*)`)
	phpAssigned = lazyregexp.New(`\$(\w+)\s*=\s*$`)
	phpTyped    = lazyregexp.New(`[(,]\s*(?:(?:private|protected|public|readonly)\s+)*\??(\\?[A-Z][\w\\]*)\s+\$(\w+)`)
	phpVariable = lazyregexp.New(`\$(\w+)->(\w+)(\s*=[^=>~]|\()`)
	phpColumn1  = lazyregexp.New(`^(?:(\w+)\.)?([A-Za-z_]\w*)(?:->[\w>-]*)?(?:\s+as\s+\w+)?$`)
)

const (
	// maxCall bounds the length of a call, and maxArguments how many texts of a list are read.
	maxCall      = 4 << 10
	maxArguments = 200
	// maxAssigned is how much text before a call is searched for the variable that gets its result.
	maxAssigned = 40
)

// maxChains bounds how many calls of a file are followed.
const maxChains = 2000

// phpCalls reads the calls of one file.
type phpCalls struct {
	*phpReader
	heads [][]int
	// classes are the classes of variables; "" for one that has several.
	classes map[string]string
	// nested are the arguments that query other tables.
	nested []lexer.Span
	chains int
}

func (p *phpReader) readCalls(heads [][]int) {
	c := &phpCalls{phpReader: p, heads: heads, classes: map[string]string{}}
	c.readRelations()
	for _, m := range phpStatic.FindAllIndex(p.r.Text, maxChains) {
		colon := m[0] + bytes.Index(p.r.Text[m[0]:m[1]], []byte("::"))
		if lexer.IsInSpans(p.r.Comments, m[0]) || p.r.IsInString(m[0]) {
			continue
		}
		class := c.classAt(string(p.r.Text[m[0]:colon]), m[0])
		if last := c.readChain(class, colon); returnsModel(last) {
			before := p.r.Text[max(0, m[0]-maxAssigned):m[0]]
			c.setClass(source.FirstGroup(phpAssigned, string(before)), class)
		}
	}
	for _, m := range phpNew.FindAllSubmatch(p.r.Text, -1) {
		c.setClass(string(m[1]), p.fullClass(string(m[2])))
	}
	for _, m := range phpTyped.FindAllSubmatch(p.r.Text, -1) {
		c.setClass(string(m[2]), p.fullClass(string(m[1])))
	}
	c.readVariableCalls()
	c.readValidationRules()
}

// returnsModel reports whether a method returns a model or a new query.
func returnsModel(method string) bool {
	switch method {
	case "find", "findorfail", "first", "firstorfail", "create", "firstorcreate", "firstornew", "updateorcreate", "sole", "query", "firstwhere", "make":
		return true
	}
	return false
}

// setClass notes the class of a variable.
func (c *phpCalls) setClass(variable, class string) {
	if known, set := c.classes[variable]; set && known != class {
		class = ""
	}
	c.classes[variable] = class
}

// classAt returns the full name of a class that the code at an offset names.
func (c *phpCalls) classAt(name string, offset int) string {
	if name != "self" && name != "static" {
		return c.fullClass(name)
	}
	for i := len(c.heads) - 1; i >= 0; i-- {
		if c.heads[i][0] < offset {
			return c.space + c.r.GroupText(c.heads[i], 3)
		}
	}
	return ""
}

// readChain reads the calls that follow a class or a variable, from the arrow on. It returns the last method.
func (c *phpCalls) readChain(class string, offset int) (last string) {
	joins := false
	for to := min(len(c.r.Text), offset+maxCall); c.chains < maxChains; {
		arrow := phpArrow(c.r.Text[offset:to])
		if arrow == 0 {
			return last
		}
		offset += arrow
		n := lexer.NameLength(c.r.Text[offset:to])
		method := strings.ToLower(string(c.r.Text[offset : offset+n]))
		offset += n
		if n == 0 || offset >= to || c.r.Text[offset] != '(' {
			return last
		}
		c.chains++
		end := c.r.FindClosing(offset+1, to)
		arguments, known := phpMethods[method]
		switch {
		case strings.Contains(method, "join"):
			joins = true
		case known:
			c.addCall(class, arguments, joins, offset+1, end)
		case strings.HasPrefix(method, "where") && len(method) > len("where"):
			column := inflect.LaravelSnake(string(c.r.Text[offset-n+len("where") : offset]))
			c.addColumnCall(class, facts.Reads, []facts.Word{{Mark: facts.HashText(column), Line: c.r.LineAt(offset)}})
		}
		if last = method; arguments.ends || end >= to {
			return last
		}
		offset = end + 1
	}
	return last
}

// phpArrow returns the length of the space and the arrow at the beginning of a text; 0 for none.
func phpArrow(text []byte) int {
	n := 0
	for n < len(text) && strings.IndexByte(" \t\r\n", text[n]) >= 0 {
		n++
	}
	for _, arrow := range []string{"->", "::", "?->"} {
		if bytes.HasPrefix(text[n:], []byte(arrow)) {
			return n + len(arrow)
		}
	}
	return 0
}

// addCall records a call with the columns among its arguments.
func (c *phpCalls) addCall(class string, a phpArguments, joins bool, from, to int) {
	var words []facts.Word
	arguments, depth, lists := 0, 0, 0
	c.r.EachCode(from, to, func(i int) bool {
		switch c.r.Text[i] {
		case '[':
			lists++
		case ']':
			lists--
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case ',':
			if depth == 0 && lists == 0 {
				arguments++
			}
		}
		return len(words) < source.MaxWords
	}, func(l lexer.String) bool {
		key := lists > 0 && c.isKey(l)
		if depth > 0 || !(a.first && arguments == 0 && lists == 0 || a.texts && lists < 2 && !key || a.keys && key && lists <= 2) {
			return true
		}
		m := phpColumn1.FindStringSubmatch(string(c.r.Text[l.From:l.To]))
		switch {
		case m == nil:
		case m[1] != "":
			c.addTableColumn(m[1], m[2], c.r.LineAt(l.Open))
		case !joins:
			words = append(words, facts.Word{Mark: facts.HashText(m[2]), Line: c.r.LineAt(l.Open)})
		}
		return true
	})
	c.addColumnCall(class, a.how, words)
}

// addColumnCall records a call with columns.
func (c *phpCalls) addColumnCall(class string, access facts.How, words []facts.Word) {
	if class != "" && len(words) > 0 {
		c.r.Facts.Calls = append(c.r.Facts.Calls, facts.Call{Class: class, Line: words[0].Line, How: access, Words: words})
	}
}

// addTableColumn records a column of a table that a query reads.
func (c *phpCalls) addTableColumn(table, column string, line int) {
	words := []facts.Word{{Mark: facts.HashText(column), Line: line}}
	c.r.Facts.Calls = append(c.r.Facts.Calls, facts.Call{Table: table, Line: line, How: facts.Reads, Words: words})
}

package usage

import (
	"bytes"
	"path"
	"strings"
)

// callees are the functions of query builders and mappers whose argument is a table's
// name, and what they do with the table.
var callees = map[string]How{
	"from": Reads, "table": Reads, "join": Reads, "innerjoin": Reads, "leftjoin": Reads, "rightjoin": Reads, "fulljoin": Reads, "selectfrom": Reads, "knex": Reads, "db": Reads, "trx": Reads, "tx": Reads,
	"insert": Inserts, "insertinto": Inserts, "into": Inserts, "batchinsert": Inserts, "replace": Inserts, "replaceinto": Inserts,
	"update": Updates, "updatetable": Updates, "delete": Deletes, "deletefrom": Deletes, "del": Deletes, "truncate": Truncates,
	"copy_from": Copies, "copyfrom": Copies, "copyin": Copies, "copy_to": Exports, "identifier": Copies, "leftouterjoin": Reads, "crossjoin": Reads, "select_from": Reads, "insert_into": Inserts, "delete_from": Deletes,
}

// maxCall bounds the length of a call, maxWords the number of names that are recorded
// from it.
const (
	maxCall  = 4 << 10
	maxWords = 256
)

// recordMapperCall records a string that is a table's name in a mapper's call.
func (r *reader) recordMapperCall(l literal) {
	before := r.text[max(0, l.open-64):l.open]
	before = bytes.TrimRight(before, " \t\r\n")
	if open := bytes.LastIndexByte(before, '('); open >= 0 && secondArgument(before[open+1:]) {
		if callee, _ := lastWord(before[:open]); callee == "copy_from" || callee == "copy_to" {
			before = before[:open+1] // psycopg: copy_from(file, "users")
		}
	}
	if len(before) == 0 || before[len(before)-1] != '(' && before[len(before)-1] != '{' && before[len(before)-1] != '[' && before[len(before)-1] != ' ' {
		if callee, ok := lastWord(before); !ok || callee != "in" || r.d != elixir {
			return // from(u in "users")
		}
	}
	for len(before) > 0 && strings.IndexByte("([{", before[len(before)-1]) >= 0 {
		before = bytes.TrimRight(before[:len(before)-1], " \t\r\n")
	}
	if n := bytes.LastIndexByte(before, '<'); n >= 0 && bytes.HasSuffix(before, []byte(">")) {
		before = before[:n] // knex<User>(
	}
	callee, _ := lastWord(before)
	if callee == "in" {
		callee = "from"
	}
	if callee == "Table" && path.Ext(r.path) == ".py" {
		return // a declaration, which pythonModels reads
	}
	if callee == "table" && r.declaresSchemas() {
		return // scriptObjects reads it, with its schema
	}
	how, known := callees[strings.ToLower(callee)]
	name := string(r.text[l.from:l.to])
	if !known || nameLen([]byte(strings.ReplaceAll(name, ".", "_"))) < len(strings.Fields(name + " ")[0]) {
		return
	}
	c := Call{Table: strings.Fields(name)[0], Line: r.lineAt(l.from), How: how}
	c.recordNames(r, r.callStart(l.open), l.open)
	c.recordNames(r, l.end, r.callEnd(l.end))
	r.facts.Calls = append(r.facts.Calls, c)
}

// secondArgument reports whether a text is one argument, and its comma.
func secondArgument(text []byte) bool {
	arg, comma := bytes.CutSuffix(text, []byte(","))
	return comma && !bytes.ContainsAny(arg, "(),;\"'`")
}

// lastWord is the name at the end of a text.
func lastWord(text []byte) (string, bool) {
	n := len(text)
	for n > 0 && nameByte[text[n-1]] {
		n--
	}
	return string(text[n:]), n < len(text)
}

// recordNames records the names in a part of the call.
func (c *Call) recordNames(r *reader, from, to int) {
	for i := from; i < to; {
		if !nameByte[r.text[i]] {
			i++
			continue
		}
		n := nameLen(r.text[i:to])
		if len(c.Words) < maxWords {
			c.Words = append(c.Words, Word{HashText(string(r.text[i : i+n])), r.lineAt(i)})
		}
		i += n
	}
}

// callStart returns the start of the statement with a call at an offset: in the same
// line, or in a line above that the call continues. It is at most maxCall before the call.
func (r *reader) callStart(i int) int {
	least := max(0, i-maxCall)
	for range 20 {
		from := least + bytes.LastIndexByte(r.text[least:i], '\n') + 1
		line := bytes.TrimLeft(r.text[from:i], " \t")
		if n := bytes.LastIndexAny(line, ";{}"); n >= 0 {
			return i - len(line) + n + 1
		}
		above := bytes.TrimRight(r.text[least:max(from-1, least)], " \t\r")
		if from == least || len(above) == 0 || !(bytes.HasPrefix(line, []byte(".")) || bytes.HasPrefix(line, []byte("->")) ||
			strings.IndexByte(".(,", above[len(above)-1]) >= 0) {
			return from
		}
		i = least + len(above)
	}
	return i
}

// callEnd returns the end of the statement with a call: a semicolon, the closing bracket
// of an outer call, or a line that does not continue.
func (r *reader) callEnd(i int) int {
	to := min(len(r.text), i+maxCall)
	depth := 1 // of the call's own bracket
	for ; i < to; i++ {
		switch r.text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i
			}
		case ';':
			if depth <= 1 {
				return i
			}
		case '\n':
			if depth == 0 {
				rest := bytes.TrimLeft(r.text[i:to], " \t\r\n")
				if len(rest) == 0 || strings.IndexByte(".|?)", rest[0]) < 0 && !bytes.HasPrefix(rest, []byte("->")) {
					return i
				}
			}
		}
	}
	return to
}

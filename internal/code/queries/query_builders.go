package queries

import (
	"bytes"
	"path"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

// queryBuilder lists the methods by which a language's mappers and query builders build queries. sure are methods that nothing else has.
// maybe are methods that count only in a file with one of the signs.
type queryBuilder struct {
	sure, maybe map[string]bool
	signs       []string
}

// QueryBuilders are the methods of each language, by the extensions of its files.
var QueryBuilders = func() map[string]*queryBuilder {
	script := &queryBuilder{
		sure: newWordSet("selectfrom", "insertinto", "updatetable", "deletefrom", "findmany", "findunique", "finduniqueorthrow", "findfirst",
			"findfirstorthrow", "createmany", "updatemany", "deletemany",
			"createquerybuilder", "andwhere", "orwhere", "wherein", "wherenot", "wherenull", "wherenotnull", "innerjoin", "leftjoin", "rightjoin", "leftjoinandselect", "findandcountall", "findbypk", "findoneby", "findoneorfail"),
		maybe: newWordSet("where", "orderby", "groupby", "returning", "findall", "findone", "upsert", "select", "insert", "update", "from", "bulkcreate"),
		signs: []string{"knex", "kysely", "drizzle", "typeorm", "sequelize", "prisma", "objection", "supabase", "slonik"},
	}
	jvm := &queryBuilder{
		sure: newWordSet("selectfrom", "insertinto", "deletefrom", "fetchinto", "createnativequery", "createcriteriaupdate", "fetchone", "fetchoptional"),
		maybe: newWordSet("where", "createquery", "innerjoin", "leftjoin", "join", "select", "from", "orderby", "groupby", "insert", "update",
			"deletewhere", "selectall"),
		signs: []string{"jooq", "querydsl", "CriteriaBuilder", "EntityManager", "exposed.", "ktorm"},
	}
	return map[string]*queryBuilder{
		".py": {
			sure: newWordSet("annotate", "select_related", "prefetch_related", "filter_by", "get_or_create", "update_or_create", "bulk_create", "bulk_update",
				"in_bulk", "values_list", "joinedload", "selectinload", "select_from",
				"outerjoin", "order_by", "group_by", "scalars"),
			maybe: newWordSet("filter", "exclude", "aggregate", "objects", "where", "query", "distinct", "exists", "insert", "having"),
			signs: []string{"django", "sqlalchemy", "peewee", "tortoise", "sqlmodel", ".objects."},
		},
		".rb": {
			sure: newWordSet("find_by", "find_by!", "find_or_create_by", "find_or_create_by!", "find_or_initialize_by", "where", "joins", "left_joins",
				"left_outer_joins", "eager_load", "preload", "pluck", "find_each", "in_batches",
				"update_all", "delete_all", "insert_all", "upsert_all", "find_in_batches"),
		},
		".go": {
			maybe: newWordSet("where", "joins", "preload", "orderby", "innerjoin", "leftjoin", "groupby", "select", "insert", "update", "delete", "newselect",
				"newinsert", "newupdate", "newdelete", "first", "find", "create", "model",
				"returning", "query", "columns"),
			signs: []string{"squirrel", "gorm.io", "uptrace/bun", "goqu", "go-jet", "sqlboiler", "/ent\"", "upper/db", "go-pg", "xorm"},
		},
		".php": {
			sure: newWordSet("createquerybuilder", "andwhere", "orwhere", "wherein", "wherehas", "wherenull", "firstorcreate", "updateorcreate", "firstorfail",
				"findorfail", "leftjoin", "innerjoin", "findoneby"),
			maybe: newWordSet("where", "table", "query", "join", "orderby", "findby", "pluck"),
			signs: []string{"Illuminate", "Eloquent", "Doctrine", "extends Model", "DB::"},
		},
		".cs": {
			sure: newWordSet("tolistasync", "firstordefaultasync", "singleordefaultasync", "anyasync", "countasync", "theninclude", "executeupdateasync",
				"executedeleteasync", "asnotracking"),
			maybe: newWordSet("where", "include", "orderby", "groupby"),
			signs: []string{"EntityFrameworkCore", "DbContext", "_context.", "SqlKata", "NHibernate"},
		},
		".rs": {
			maybe: newWordSet("filter", "inner_join", "left_join", "order", "group_by", "values", "set", "find", "find_by_id", "and_where", "load", "get_result",
				"get_results", "first", "execute"),
			signs: []string{"diesel::", "sea_orm", "sea_query"},
		},
		".java": jvm, ".kt": jvm, ".scala": jvm, ".groovy": jvm,
		".ts": script, ".tsx": script, ".js": script, ".jsx": script, ".mjs": script, ".cjs": script, ".mts": script, ".cts": script, ".svelte": script, ".vue": script,
	}
}()

func newWordSet(words ...string) map[string]bool {
	out := make(map[string]bool, len(words))
	for _, w := range words {
		out[w] = true
	}
	return out
}

// longestBuilder is the length of the longest method in queryBuilders.
const longestBuilder = 24

// RecordBuilds records the lines at which calls of a mapper or a query builder make a query. A call that goes on over several
// lines is one place.
func RecordBuilds(r *source.File) {
	b := QueryBuilders[path.Ext(r.Path)]
	if b == nil {
		return
	}
	signed, asked := false, false
	last, line, from := -1, 1, 0
	for offset := 0; offset < len(r.Text); {
		var n int
		if b == QueryBuilders[".php"] {
			n = bytes.IndexAny(r.Text[offset:], ">:")
		} else {
			n = bytes.IndexByte(r.Text[offset:], '.')
		}
		if n < 0 {
			return
		}
		offset += n + 1
		end := offset
		for end < len(r.Text) && end-offset <= longestBuilder && (lexer.NameByte[r.Text[end]] || r.Text[end] == '!') {
			end++
		}
		if end == offset || end == len(r.Text) || !isCalled(r.Text, end) {
			continue
		}
		word := bytes.ToLower(r.Text[offset:end])
		if !b.sure[string(word)] {
			if !b.maybe[string(word)] {
				continue
			}
			if !asked {
				signed, asked = b.usesBuilder(r.Text), true
			}
			if !signed {
				continue
			}
		}
		line += bytes.Count(r.Text[from:offset], newline)
		from = offset
		if lexer.IsInSpans(r.Comments, offset) || continuesCallChain(r, last, line, offset) {
			last = line
			continue
		}
		last = line
		r.Facts.Builds = append(r.Facts.Builds, line)
	}
}

var newline = []byte{'\n'}

// isCalled reports whether the name that ends at an offset is called, or is a manager of Django's.
func isCalled(text []byte, end int) bool {
	switch text[end] {
	case '(', '<', '{':
		return true
	case ' ': // Ruby
		return end+1 < len(text) && (text[end+1] == ':' || text[end+1] == '"' || text[end+1] == '\'' || lexer.NameByte[text[end+1]]) &&
			bytes.IndexByte([]byte("=&|+-*/?,)"), text[end+1]) < 0
	case '.':
		return bytes.HasSuffix(text[:end], []byte(".objects"))
	}
	return false
}

// usesBuilder reports whether a file shows that it uses a mapper or a query builder.
func (b *queryBuilder) usesBuilder(text []byte) bool {
	for _, s := range b.signs {
		if bytes.Contains(text, []byte(s)) {
			return true
		}
	}
	return false
}

// continuesCallChain reports whether the call at an offset belongs to the query of the last one: they are in one line, or each
// line between them goes on with a call.
func continuesCallChain(r *source.File, last, line, offset int) bool {
	if last == line {
		return true
	}
	if last < 0 || line-last > 20 {
		return false
	}
	for offset = bytes.LastIndexByte(r.Text[:offset], '\n'); line > last; line-- {
		rest := bytes.TrimLeft(r.Text[offset+1:], " \t")
		if !bytes.HasPrefix(rest, []byte(".")) && !bytes.HasPrefix(rest, []byte("->")) && !bytes.HasPrefix(rest, []byte("?.")) &&
			!bytes.HasPrefix(rest, []byte(")")) {
			return false
		}
		if offset = bytes.LastIndexByte(r.Text[:max(offset, 0)], '\n'); offset < 0 {
			break
		}
	}
	return true
}

package usage

import (
	"bytes"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// MyBatis keeps the queries of a program in XML.
var mapperPath = lazyregexp.New(`(?i)(?:mapper\.xml|(?:^|/)(?:mybatis|mappers?)/(?:.*/)?[^/]*\.xml)$`)

func mapperFile(file string) bool { return mapperPath.MatchString(file) }

var (
	xmlQuery = lazyregexp.New(`(?s)<(?:select|insert|update|delete)\b[^>]*>(.*?)</(?:select|insert|update|delete)>`)
	xmlTag   = lazyregexp.New(`<!\[CDATA\[|\]\]>|(?s)<!--.*?-->|</?\w[^>]*>`)
)

// mapperXML reads the queries of a mapper's file.
func (r *reader) mapperXML() {
	for _, m := range xmlQuery.FindAllSubmatchIndex(r.text, -1) {
		s := &sqlText{}
		at := m[2]
		body := r.text[m[2]:m[3]]
		for _, tag := range xmlTag.FindAllIndex(body, -1) {
			s.addString(r.text, literal{from: at, to: m[2] + tag[0]}, nil)
			if bytes.HasPrefix(body[tag[0]:tag[1]], []byte("<include")) {
				s.addHole(" "+holeName+" ", m[2]+tag[1])
			} else {
				s.addHole(" ", m[2]+tag[1])
			}
			at = m[2] + tag[1]
		}
		s.addString(r.text, literal{from: at, to: m[3]}, nil)
		s.text = bytes.ReplaceAll(bytes.ReplaceAll(s.text, []byte("&lt;"), []byte("<   ")), []byte("&gt;"), []byte(">   "))
		r.recordStatements(s)
	}
}

package jvm

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

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

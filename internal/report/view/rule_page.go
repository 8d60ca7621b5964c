package view

import "net/url"

// DocsURL is the URL of the rules' pages.
const DocsURL = "https://github.com/onward-sql/onward/blob/main/docs/"

// RulePage returns the page of a rule. The name is escaped, because a stored report is not trusted.
func RulePage(name string) string { return DocsURL + "rules/" + url.PathEscape(name) + ".md" }

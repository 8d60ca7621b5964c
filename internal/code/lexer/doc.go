// Package lexer cuts the strings and the comments out of a program. It knows how a family of languages writes them, and
// nothing else of a language.
package lexer

// Package onward is the vocabulary of the project: one word per thing, and
// the JSON protocol in which the things are reported.
//
// A release brings new migrations. While it is deployed, old code and new
// code share one database. The types here say what a migration is, what its
// statements do to other sessions ([Effect]), what it changes for other code
// ([Change]), and what follows ([Finding]). They carry no logic beyond their
// own spelling; every other package imports this one, and this one imports
// the standard library only.
//
// The reports that the commands print with --format json are a [Report],
// marked with [ReportSchema]. Within one schema number fields are added but
// never renamed, removed or given another meaning.
package onward

// Package facts holds what one file of deployed code says about a database, before the schema is known: names and
// positions, and no text.
//
// [Facts] can be stored ([Facts.Append], [Decode]). A [Grade] says how a use is known; [How] says what it does.
package facts

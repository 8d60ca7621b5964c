package builtin

import "slices"

// TakesRow reports whether t.name may mean the call name(t) of a built-in
// function with a row of t, as t.to_json does. Postgres tries that if t has no
// such column. Few functions take a row, so u.date can only be a column.
func TakesRow(name string) bool {
	_, found := slices.BinarySearch(takeRow, name)
	return found
}

// takeRow are the names of these functions, sorted. A test compares them with servers.
var takeRow = []string{
	"any_out", "any_value", "anycompatible_out", "anycompatiblenonarray_out", "anyelement_out", "anynonarray_out",
	"array_agg", "concat", "count", "cume_dist", "dense_rank", "first_value", "hash_record", "json_agg",
	"json_agg_strict", "json_build_array", "json_build_object", "jsonb_agg", "jsonb_agg_strict", "jsonb_build_array",
	"jsonb_build_object", "lag", "last_value", "lead", "max", "min", "mode", "num_nonnulls", "num_nulls",
	"percent_rank", "pg_collation_for", "pg_column_compression", "pg_column_size", "pg_column_toast_chunk_id",
	"pg_restore_attribute_stats", "pg_restore_relation_stats", "pg_typeof", "quote_literal", "quote_nullable", "rank",
	"record_out", "record_send", "row_to_json", "to_json", "to_jsonb",
}

# SPDX-License-Identifier: LGPL-3.0-or-later
# Makes option-rows.c, the rows that option-table.h declares, from volume-options.tsv (spec management 2.7).
BEGIN {
    FS = "\t"
    print "/* made from volume-options.tsv */\n#include \"config.h\"\n#include \"option-table.h\"\n\nconst struct volopt volopts[] = {"
}
END { print "};\nconst size_t nr_volopts = sizeof volopts / sizeof volopts[0];" }
function text(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
function words(list, prefix,    n, w, i, out) {
    n = split(list, w, /[+,\/]/)
    out = "0"
    for (i = 1; i <= n; i++)
        if (w[i] != "") { gsub(/[^a-z]/, "_", w[i]); out = out " | " prefix toupper(w[i]) }
    return out
}
NR == 1 { next }
{
    sub(/gfproxy client/, "gfproxy", $6)
    printf "    {%s, %s, %s, %s, %s, %s, %s, %d, %s, SCOPE_%s, %s, %s, %s, %s},\n", text($1),
        $2 == "(null)" || $2 == "" ? "NULL" : text($2), text($3), text($4), text($5), words($6, "GRAPH_"),
        $7 == "always" ? "true" : "false", $8, words($9, "VOLOPT_"), toupper($10), $11 == "help" ? "true" : "false",
        $12 == "listed" ? "true" : "false", $13 == "" ? "NULL" : text($13), text($14)
}

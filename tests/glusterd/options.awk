# SPDX-License-Identifier: LGPL-3.0-or-later
# options.awk: from the table of options, what options.t does with each. what=good: lines VOLUMES KEY VALUE TRANSLATOR OPTION GRAPHS, tab separated.
# what=bad: lines VOLUME KEY VALUE WORDS: the value is refused with these words. what=live: for live-options.awk, every row: KEY VALUE TYPE TRANSLATOR
# OPTION GRAPHS.
BEGIN { FS = OFS = "\t" }
NR == 1 { next }
what != "live" && ($10 == "all" || $3 == "" || $3 ~ /^via|read only/) { next }
what != "live" && $1 ~ /^(cluster.granular-entry-heal|config.transport|features.scrub.*|server.root-squash|features.worm|features.worm-file-level)$/ { next } # own commands, or contradictions
what != "live" && $13 == "quota enabled" { next }
{
    type = $3; sub(/ .*/, "", type)
    range = $3; has = sub(/^[A-Z_]+ /, "", range); if (!has) range = ""
    lo = hi = ""
    if (range ~ /^-?[0-9]+\.\./) { lo = range; sub(/\.\..*/, "", lo); hi = range; sub(/^-?[0-9]+\.\./, "", hi); sub(/ .*/, "", hi) }
    where = "d r e"
    if ($13 == "replicate volume") where = "r"
    if ($13 == "disperse volume" || $13 ~ /^data count/) where = "e"
    if ($13 ~ /^pure distribute/) where = "d"
    if ($13 ~ /^1\.\.replica/) where = "r"
    value = wrong = ""
    if (type == "BOOL") { value = $2 ~ /^(on|yes|true|enable|1)$/ ? "off" : "on"; wrong = "maybe" }
    else if (type ~ /^(INT|SIZET|TIME|PERCENT|PERCENT_OR_SIZET)$/) {
        value = lo == "" ? 7 : lo + 0 == $2 + 0 ? lo + 1 : lo; wrong = "many"
        if (range ~ /except 1/) value = 2
    }
    else if (type == "STR") {
        n = split(range, words, "|"); value = n > 1 ? (words[1] == $2 ? words[2] : words[1]) : "x"; wrong = n > 1 && range !~ /\|N$/ ? "nonsense" : ""
    }
    else if (type == "PATH") { value = "/srv"; wrong = "srv/x" }
    else if (type ~ /ADDRESS_LIST/) { value = "192.0.2.1,*.example.org" ; wrong = "not/an..address" }
    else if (type == "PRIORITY_LIST") value = "*.jpg:1,*.txt:2"
    else if (type == "XLATOR") value = "child-0"
    else if (type == "ANY") value = "x"
    if ($13 == "relax or enterprise") value = "enterprise"
    if ($13 ~ /^starts with dot/) { value = ".snaps2"; wrong = "snaps" }
    if ($13 ~ /^word or 0/) value = "lazy"
    if ($13 ~ /^data count/) value = 2
    if ($13 == "off file forced optimal") value = "file"
    if ($1 == "storage.batch-fsync-mode") value = "syncfs"
    if ($1 ~ /^ssl\./) value = $1 ~ /depth/ ? 3 : $1 ~ /cipher/ ? "HIGH" : $1 ~ /curve/ ? "prime256v1" : "/srv/pem"
    if ($13 == "min<=max") value = $1 ~ /min/ ? 1 : "2MB"
    if (what == "live") print $1, value, type, $4, $5, $6
    if (what == "good" && !(($1) in seen)) print where, $1, value
    if (what == "good" && $5 !~ /^!/) print "lands", $1, value, $4, $5
    seen[$1] = 1
    split(where, first, " ")
    if (what == "bad" && wrong != "") print first[1], $1, wrong, ""
    if (what == "bad" && $3 ~ /^(INT|SIZET|TIME)/ && hi ~ /^[0-9]+$/ && hi < 2^52 && !($1 in checked)) print first[1], $1, sprintf("%.0f", hi + 1), "out of range [" lo " - " hi "]"
    if (what == "bad" && $3 ~ /^(INT|SIZET|TIME)/ && lo ~ /^[0-9]+$/ && lo > 0 && !($1 in checked))
        print first[1], $1, sprintf("%.0f", lo - 1), hi ~ /^[0-9]+$/ ? "out of range [" lo : "smaller than minimum value '" lo "'"
    checked[$1] = 1 # a key of two rows is checked by the first
}

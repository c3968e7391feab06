// Rank search results: pages whose title has the words of the query first, guides before the
// reference, the history last.
var Scorer = {
  score: ([name, title, anchor, description, score]) => {
    const words = new URLSearchParams(location.search).get("q").toLowerCase().split(/\W+/);
    const inTitle = words.filter((word) => word.length > 2 && title.toLowerCase().includes(word));
    const kind = /^docs\/(changelog|contributing|security)/.test(name) ? -6
      : /^docs\/reference-/.test(name) ? -2 : /^docs\//.test(name) ? 4 : 0;
    return score + 5 * inTitle.length + kind;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

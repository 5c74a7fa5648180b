// ingest/kept-pages.ts: pages of a file, each loaded once while it is kept. Pure but for what `load` does.

/** Calls `load` by number and keeps the last `most` results; a page that failed is loaded anew when it is next asked for. */
export function keptPages<T>(load: (page: number) => Promise<T>, most: number): (page: number) => Promise<T> {
  const pages = new Map<number, Promise<T>>();
  return (number) => {
    const known = pages.get(number);
    if (known) return known;
    const page = load(number);
    pages.set(number, page);
    page.catch(() => pages.delete(number));
    if (pages.size > most) pages.delete(pages.keys().next().value!);
    return page;
  };
}

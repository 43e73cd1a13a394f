/** The single collectors behind prom-client's collectDefaultMetrics. */
declare module 'prom-client/lib/metrics/*.js' {
  const collect: (registry: import('prom-client').Registry) => void;
  export default collect;
}

/** A shade at each edge of a table behind which there is more of it. */

export function followEdges(scroller) {
  const frame = scroller.parentElement;
  const follow = () => {
    const hidden = scroller.scrollWidth - scroller.clientWidth;
    frame.classList.toggle("more-left", scroller.scrollLeft > 1);
    frame.classList.toggle("more-right", scroller.scrollLeft < hidden - 1);
  };
  scroller.addEventListener("scroll", follow, { passive: true });
  const observer = new ResizeObserver(follow);
  observer.observe(scroller);
  observer.observe(scroller.firstElementChild);
}
